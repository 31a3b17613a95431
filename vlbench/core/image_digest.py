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


def seen_among(tested: Dataset, learned: Iterable[str], cache: Path | None) -> int:
    """How many images of a source are among learned ones, given by their digests; reads nothing for none."""
    known = frozenset(learned)
    return sum(digest in known for digest in image_digests(tested, cache)) if known else 0


def _digest(image: "Image") -> str:
    # an image that was opened and not yet decoded still holds the file that it was opened from
    file = getattr(image, "fp", None)
    if isinstance(file, BytesIO):
        return digest_of_bytes(file.getvalue())[:DIGITS]
    head = f"{image.mode} {image.size}\n".encode()
    return digest_of_bytes(head + image.tobytes())[:DIGITS]
