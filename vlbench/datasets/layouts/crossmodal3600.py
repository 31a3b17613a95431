"""The source `crossmodal3600`: images of Crossmodal-3600 with their captions in one language."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.reading import Tally
from vlbench.datasets.readers.annotation import lines_of, read_text
from vlbench.datasets.readers.captions import (
    Annotations,
    CaptionFolder,
    captioned_images,
    gather,
    stated_caption,
)
from vlbench.datasets.readers.location import locate

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
    folder = locate(place, path, wanted=ANNOTATIONS, holds=lambda each: (each / ANNOTATIONS).is_file())
    text = read_text(folder / ANNOTATIONS)
    lines = (
        (where, image, caption)
        for where, image, own in _lines(text, folder / ANNOTATIONS, language)
        for caption in (own[:1] if captions == "first" else own)
    )
    tally = Tally(str(folder))
    said = Annotations(gather(lines, tally), tally, f"{ANNOTATIONS}, {language}, {captions}")
    return captioned_images(f"crossmodal3600:{path}", said, CaptionFolder(folder, ["images"]), place)


def _lines(text: str, file: Path, language: str) -> Iterator[tuple[str, str, list[str]]]:
    for number, line in enumerate(lines_of(text), start=1):
        where = f"{file}:{number}"
        try:
            record = json.loads(line)
            key = str(record[KEY])
            own = [stated_caption(each) for each in record[language]["caption"]] or [""]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{where}: no {KEY} with captions in {language!r} ({type(error).__name__}: {error}); "
                "correct the language, or fetch the file again"
            ) from error
        yield where, f"{key}.jpg", own
