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

    The folder holds `captions.jsonl` (an object a line: `image/key`, and for each language `caption`, a
    list) and `images/KEY.jpg`, as google.github.io/crossmodal-3600 has them.

    Args:
        place: where to look.
        path: that folder.
        language: a code of the data set (`de`, `quz`).
        captions: `first` takes an image's first caption, as CLIP_benchmark does, `all` every one.

    Raises:
        SourceMissing: no such folder, or none of the images.
        DataError: a line that is wrong, a language that is not there, or a missing image.
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
