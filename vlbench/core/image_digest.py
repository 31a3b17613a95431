"""Digests of images by what they hold, so that a copy under another name is known for what it is."""

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset
from vlbench.core.digest import digest_of_bytes, digest_of_strings
from vlbench.core.files import remembered

if TYPE_CHECKING:
    from PIL.Image import Image

SAMPLED = 16
"""So many images of a data set are read to tell it from another of equal names and sizes."""
DIGITS = 16
"""Hexadecimal digits of an image's digest: enough to tell images of any data set apart."""


def image_digests(source: Dataset, cache: Path | None) -> tuple[str, ...]:
    """The digest of each image of a source: of the encoded bytes, of the pixels of one that is made.

    Reads every image once and decodes none but made ones; remembered in the cache by the images' states.

    Raises:
        DataError: an image cannot be read.
    """
    key = digest_of_strings(example.state for example in source.examples)
    text = remembered(
        f"image digests|{key}",
        cache,
        lambda: json.dumps([_digest(example.image()) for example in source.examples]),
    )
    return tuple(json.loads(text))


def sample_digest(source: Dataset, cache: Path | None) -> str:
    """Digest of the bytes of a few images spread over a source; empty where they are made, and not files.

    It tells two data sets of equal names, sizes and labels apart, and not that a few images were replaced.
    Remembered in the cache by their states.

    Raises:
        DataError: an image cannot be read.
    """
    last = len(source) - 1
    places = sorted({round(last * k / (SAMPLED - 1)) for k in range(SAMPLED)}) if len(source) else []
    key = digest_of_strings(source[i].state for i in places)

    def sample() -> str:
        digests = []
        for place in places:
            data = _encoded(source[place].image())
            if data is None:
                return ""
            digests.append(digest_of_bytes(data))
        return digest_of_strings(digests) if digests else ""

    return remembered(f"image sample|{key}", cache, sample)


def seen_among(tested: Dataset, learned: Iterable[str], cache: Path | None) -> int:
    """How many images of a source are among learned ones, given by their digests; reads nothing for none."""
    known = frozenset(learned)
    return sum(digest in known for digest in image_digests(tested, cache)) if known else 0


def _encoded(image: "Image") -> bytes | None:
    """The bytes of an image that was opened and not yet decoded, which it still holds; None of a made one."""
    file = getattr(image, "fp", None)
    return file.getvalue() if isinstance(file, BytesIO) else None


def _digest(image: "Image") -> str:
    data = _encoded(image)
    if data is not None:
        return digest_of_bytes(data)[:DIGITS]
    head = f"{image.mode} {image.size}\n".encode()
    return digest_of_bytes(head + image.tobytes())[:DIGITS]
