"""The source `crossmodal3600`: images of Crossmodal-3600 with their captions in one language."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.captions import Caption, captioned_images, stated_caption
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import json_lines

ANNOTATIONS = "captions.jsonl"
KEY = "image/key"


def crossmodal3600(
    place: Place, /, *, path: str, language: str, captions: Literal["first", "all"] = "first"
) -> Dataset:
    """Images of Crossmodal-3600 in the order of `captions.jsonl`, with captions in one language.

    The folder has `captions.jsonl` (one object per line: `image/key`, and for each language a list `caption`)
    and `images/KEY.jpg`, as published on google.github.io/crossmodal-3600.

    Args:
        place: where to look.
        path: that folder.
        language: a language code of the data set (`de`, `quz`).
        captions: `first` uses the first caption of an image, as CLIP_benchmark does; `all` uses every one.

    Raises:
        SourceMissing: there is no such folder, or none of the images exists.
        DataError: a line is wrong, the language does not exist, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> said = '{"image/key": "1", "de": {"caption": ["ein Hund", "ein Tier"]}}'
    >>> with small_place({"captions.jsonl": said, "images/1.jpg": b""}) as place:
    ...     dataset = crossmodal3600(place, path=".", language="de")
    >>> dataset[0].target.captions
    ('ein Hund',)
    """
    folder = folder_with(place, path, ANNOTATIONS)
    return captioned_images(
        f"crossmodal3600:{path}",
        _captions(folder / ANNOTATIONS, language, 1 if captions == "first" else None),
        place,
        folder=folder,
        images=["images"],
        file=f"{ANNOTATIONS}, {language}, {captions}",
    )


def _captions(file: Path, language: str, most: int | None) -> Iterator[Caption]:
    for where, record in json_lines(read_text(file), file):
        try:
            key = str(record[KEY])
            own = [stated_caption(each) for each in record[language]["caption"]] or [""]
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{where}: no {KEY} with captions in {language!r} ({type(error).__name__}: {error}); "
                "correct the language, or fetch the file again"
            ) from error
        for caption in own[:most]:
            yield where, f"{key}.jpg", caption
