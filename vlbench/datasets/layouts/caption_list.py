"""The source `caption_list`: images and captions by a text file, as Flickr8k and Flickr30k come."""

import re
from collections.abc import Iterator
from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.json_text import parsed_json
from vlbench.core.text_file import csv_records, read_text
from vlbench.datasets.readers.captions import Caption, captioned_images, stated_caption
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import data_lines

SUFFIXES = "|".join(re.escape(suffix) for suffix in sorted(IMAGE_SUFFIXES))
LINE = re.compile(rf"(?P<image>.+?(?:{SUFFIXES})),(?P<caption>.*)", re.IGNORECASE)
TABLE = {"filename", "raw", "split"}
"""Columns of the CSV of Flickr30k that carries a split: `raw` is a JSON list of captions."""


def caption_list(
    place: Place,
    /,
    *,
    path: str,
    annotations: str,
    images: list[str] | None = None,
    split: str | None = None,
) -> Dataset:
    """Images and their captions by a text file, whose first line may be a header.

    Every line is `IMAGE,CAPTION`, split behind the image's suffix since captions hold commas
    (`flickr30k_test_karpathy.txt`, as CLIP_benchmark reads it); a first line that is none is a header. A
    CSV whose header has `filename`, `raw`
    (a JSON list of captions) and `split` (`flickr_annotations_30k.csv`) is read as such.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: the text file in it.
        images: folders that the images' names start from, inside that folder or under a data root; the
            first that has an image gives it. The folder itself if none is named.
        split: which images to take, where they carry a split.

    Raises:
        SourceMissing: no such folder or file, or none of the images.
        DataError: a line that is wrong, no image of the split, or an image that does not lie there.
    """
    folder = folder_with(place, path, annotations)
    file = folder / annotations
    text = read_text(file)
    header = text.partition("\n")[0].strip()
    is_table = set(header.split(",")) >= TABLE
    is_header = not is_table and LINE.fullmatch(header) is None
    return captioned_images(
        f"caption_list:{path}",
        _rows(text, file, split) if is_table else _lines(text, file),
        place,
        folder=folder,
        images=images or ["."],
        file=file.name,
        remarks=(f"line 1 of {file.name} is taken for a header: {header!r}",) if is_header else (),
    )


def _lines(text: str, file: Path) -> Iterator[Caption]:
    for number, line in enumerate(data_lines(text), start=1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line.strip())
        if found is None and number == 1:
            continue
        if found is None:
            raise DataError(f"{file}:{number}: {line!r} is no image and caption; write `a.jpg,a caption`")
        yield f"{file}:{number}", found["image"], found["caption"]


def _rows(text: str, file: Path, split: str | None) -> Iterator[Caption]:
    if split is None:
        raise DataError(f"{file} carries splits; name one as `split`")
    for where, row in csv_records(text, str(file))[1]:
        if row["split"] != split:
            continue
        try:
            captions = [
                stated_caption(each) for each in parsed_json(row["raw"], f"{where}: raw", "fetch it again")
            ]
        except TypeError as error:
            raise DataError(f"{where}: raw is no JSON list ({error}); fetch it again") from error
        for caption in captions or [""]:
            yield where, row["filename"], caption
