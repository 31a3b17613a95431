"""The source `caption_list`: images and captions from a text file, as in Flickr8k and Flickr30k."""

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
"""The columns of Flickr30k's CSV with splits; `raw` is a JSON list of captions."""


def caption_list(
    place: Place,
    /,
    *,
    path: str,
    annotations: str,
    images: list[str] | None = None,
    split: str | None = None,
) -> Dataset:
    r"""Images and their captions from a text file, whose first line may be a header.

    Every line is `IMAGE,CAPTION` and is split after the image's suffix, since captions contain commas
    (`flickr30k_test_karpathy.txt`, as CLIP_benchmark reads it). A first line of another form is a header. A
    CSV with the columns `filename`, `raw` (a JSON list of captions) and `split`
    (`flickr_annotations_30k.csv`) is read as such.

    Args:
        place: where to look.
        path: the folder of the data set.
        annotations: its text file.
        images: folders that the names of images are relative to, in that folder or under a data root; the
            first one that has an image is used. By default the folder itself.
        split: which images to use, where they have a split.

    Raises:
        SourceMissing: there is no such folder or file, or none of the images exists.
        DataError: a line is wrong, the split has no image, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"test.txt": "image,caption\n1.jpg,a dog, on a mat", "1.jpg": b""}) as place:
    ...     dataset = caption_list(place, path=".", annotations="test.txt")
    >>> dataset[0].target.captions
    ('a dog, on a mat',)
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
