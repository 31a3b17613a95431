"""Image keys, which are digests of the images' bytes. A table in the cache holds the keys of each data set.

A copy of an image therefore has the key of the original. Also: remarks on what decoding changes or drops.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Dataset, Example
from vlbench.core.dataset import Examples
from vlbench.core.digest import HEX, digest_of_bytes, digest_of_strings
from vlbench.core.errors import DataError, NoPixels
from vlbench.core.files import read_checked, remembered, write_checked
from vlbench.core.progress import progress_bar
from vlbench.core.reading import Tally
from vlbench.core.share import Share

if TYPE_CHECKING:
    from PIL.Image import Image

SAMPLED = 16
"""How many images are digested to tell a data set from another with equal names and sizes."""
DIGITS = 16
"""How many hexadecimal digits of a digest a model's file states for each image that it learned from."""
READERS = 8
"""How many threads read images that are digested but not decoded."""
ORIENTATION = 0x0112
"""The EXIF tag for the orientation of a picture; 1 is upright."""
MOST_TIMES = 1000
"""So many times its width may an image be high, or the other way: models blow the shorter side up."""
WIDE = frozenset(("I;16", "I;16L", "I;16B", "I;16N", "I"))
"""Pillow's modes with integers above 255."""


@dataclass(frozen=True, slots=True)
class ImageList:
    """Digests of the ids and of the states of a data set's images, and how many there are.

    `keys` [n] are known without a table where rendered pictures state them, or where all images were read to
    verify them; else None.
    """

    ids: str
    states: str
    count: int
    keys: tuple[str, ...] | None = None


def list_images(dataset: Dataset, *, cache: Path | None = None, verify: bool = False) -> ImageList:
    """List the images of a data set in one pass, without opening them unless `verify` asks for it.

    Raises:
        DataError: an example has neither key nor state, or an image cannot be read while it is verified.
    """
    ids, states, keys = [], [], []
    for example in dataset.examples:
        if not example.state and not example.key:
            raise DataError(
                f"{dataset.name}: image {example.id} has no state, by which stored features are found; "
                "give each Example one, which was fingerprint(i) in version 0.1"
            )
        ids.append(example.id)
        states.append(example.key or example.state)
        keys.append(digest_of_strings([example.key]) if example.key else "")
    stated = tuple(keys) if all(keys) else None
    found = ImageList(digest_of_strings(ids), digest_of_strings(states), len(ids), stated)
    if stated is not None or not verify:
        return found
    read = read_keys(dataset)
    keep_keys(found, read, cache)
    return replace(found, keys=read)


def known_keys(images: ImageList, cache: Path | None) -> tuple[str, ...] | None:
    """The keys [n] of listed images, from the table in the cache; None where images must be read first."""
    if images.keys is not None:
        return images.keys
    if cache is None:
        return None
    kept = _keys_in(_table(images, cache))
    if len(kept) == images.count:
        return kept
    joined = [""] * images.count
    for (share, size), path in shares_read(images, cache).items():
        places = list(share.places(images.count, size))
        for place, key in zip(places, _keys_in(path), strict=False):
            joined[place] = key
    return tuple(joined) if all(joined) else None


def shares_read(images: ImageList, cache: Path) -> dict[tuple[Share, int], Path]:
    """Tables of the keys of shares of listed images, whose chunks hold so many; the latest come last."""
    found = {}
    tables = cache.glob(f"images/{images.states}.*.keys")
    for path in sorted(tables, key=lambda table: table.stat().st_mtime_ns):
        number, count, size = map(int, path.name.split(".")[1].split("-"))
        found[Share(number, count), size] = path
    return found


def keep_keys(
    images: ImageList, keys: Iterable[str], cache: Path | None, share: tuple[Share, int] | None = None
) -> None:
    """Write the table of a data set's keys into the cache, or that of a share, whose chunks hold so many.

    A share's tells that it is done, too, so it is written of pictures that state their keys as well.
    """
    if cache is not None and (images.keys is None or share is not None):
        of = "" if share is None else f".{share[0].number}-{share[0].count}-{share[1]}"
        write_checked(_table(images, cache, of), bytes.fromhex("".join(keys)))


def read_keys(dataset: Dataset, *, stated: bool = True) -> tuple[str, ...]:
    """The keys of all images, which are opened and digested.

    With `stated`, a rendered picture's own key is used.
    """
    # imported here, so that a run with everything stored starts without them
    from concurrent.futures import ThreadPoolExecutor

    read, keys = partial(_read_key, stated), list[str]()
    with ThreadPoolExecutor(READERS) as pool, progress_bar("digests", len(dataset), "img", leave=None) as bar:
        for key in pool.map(read, dataset.examples):
            keys.append(key)
            bar.update()
    return tuple(keys)


def key_of(image: "Image", example: Example) -> str:
    """The key of an opened image: a digest of its bytes and box, or of the pixels where it holds no bytes."""
    if example.key:
        return digest_of_strings([example.key])
    data = encoded_bytes(image)
    digest = _of_pixels(image) if data is None else digest_of_bytes(data)
    return digest if example.box is None else digest_of_strings([digest, *map(str, example.box)])


def image_digests(dataset: Dataset, cache: Path | None) -> tuple[str, ...]:
    """A digest of each image of a data set: of its encoded bytes, or of the pixels of a rendered one.

    Images that no table has are read; only rendered ones are decoded.

    Raises:
        DataError: an image cannot be read.
    """
    images = list_images(dataset)
    if images.keys is not None:  # their keys say how they are made, not what they hold
        text = remembered(
            f"pixels|{images.states}", cache, lambda: " ".join(read_keys(dataset, stated=False))
        )
        keys = tuple(text.split())
    else:
        keys = known_keys(images, cache) or read_keys(dataset)
        keep_keys(images, keys, cache)
    return tuple(key[:DIGITS] for key in keys)


def sample_digest(dataset: Dataset, cache: Path | None) -> str:
    """Digest of the bytes of 16 images spread over a data set; empty where they are rendered.

    It tells apart data sets with equal names, sizes and labels, but may miss a few replaced images. The cache
    keeps it under the states of the images.

    Raises:
        DataError: an image cannot be read.
    """
    last = len(dataset) - 1
    places = sorted({round(last * k / (SAMPLED - 1)) for k in range(SAMPLED)}) if len(dataset) else []
    examples = [dataset[place] for place in places]
    if any(example.key for example in examples):
        return ""

    def sample() -> str:
        data = [encoded_bytes(example.image()) for example in examples]
        digests = [digest_of_bytes(each) for each in data if each is not None]
        return digest_of_strings(digests) if digests and len(digests) == len(data) else ""

    return remembered(f"image sample|{digest_of_strings(each.state for each in examples)}", cache, sample)


def seen_among(tested: Dataset, learned: Iterable[str], cache: Path | None) -> int:
    """How many images of a data set have a digest in `learned`. If `learned` is empty, no image is read."""
    known = frozenset(learned)
    return sum(digest in known for digest in image_digests(tested, cache)) if known else 0


def _read_key(stated: bool, example: Example) -> str:  # noqa: FBT001 - bound by position
    image = example.image()
    return key_of(image, example) if stated else _of_pixels(image)


def _of_pixels(image: "Image") -> str:
    held = f"{image.mode} {image.size}\n".encode() + image.tobytes()
    if image.mode in ("P", "PA"):
        held += bytes(image.getpalette("RGBA") or ())
    if "transparency" in image.info:
        held += repr(image.info["transparency"]).encode()
    return digest_of_bytes(held)


def _table(images: ImageList, cache: Path, of: str = "") -> Path:
    return cache / "images" / f"{images.states}{of}.keys"


def _keys_in(table: Path) -> tuple[str, ...]:
    digits = (read_checked(table) or b"").hex()
    return tuple(digits[start : start + HEX] for start in range(0, len(digits), HEX))


def encoded_bytes(image: "Image") -> bytes | None:
    """The bytes that an opened, undecoded image still holds; None for a rendered one."""
    file = getattr(image, "fp", None)
    return file.getvalue() if isinstance(file, BytesIO) else None


def decoding_remarks(image: "Image") -> tuple[str, ...]:
    """What preprocessing changes in an opened image that is not a plain 8-bit picture; empty for a plain one.

    It is converted as open_clip does: Pillow's `convert("RGB")`, of the first frame, as it lies.

    Raises:
        DataError: what its file says of that is damaged.
    """
    # imported here, since it imports Pillow, and a run with everything stored needs none
    from vlbench.core.broken_image import decoding

    remarks = []
    if image.mode in WIDE:
        remarks.append("of 16 bits or more, whose values above 255 turn white")
    if image.mode == "F":
        remarks.append("of floats, cut to whole numbers from 0 to 255")
    if image.mode == "CMYK":
        remarks.append("of CMYK, converted without their colour profile")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        remarks.append("with transparency, which the model's preprocessing drops or fills")
    with decoding(getattr(image, "opened_from", "an image")):
        if getattr(image, "is_animated", False):
            remarks.append("of several frames, of which the first is read")
        if ("exif" in image.info or image.format == "TIFF") and image.getexif().get(ORIENTATION, 1) != 1:
            remarks.append("with an EXIF orientation, which is not applied")
    return tuple(dict.fromkeys(remarks))


def part_of(image: "Image", box: tuple[int, int, int, int] | None) -> "Image":
    """The part of an opened image inside `box`, in RGB; without a box, the image itself.

    Raises:
        DataError: a number of the box is beyond any image.
        NoPixels: it is so long and narrow that a resize of its shorter side would take all memory.
    """
    from PIL.Image import DecompressionBombError  # where an image is, Pillow is too

    try:
        part = image if box is None else image.convert("RGB").crop(box)
    except (OverflowError, DecompressionBombError) as error:
        raise DataError(f"its box {box} lies beyond any image; correct the annotation") from error
    if max(part.size) > MOST_TIMES * min(part.size):
        width, height = part.size
        raise NoPixels(f"{width}x{height} pixels are too long and narrow for any model; crop it or remove it")
    return part


def watched(dataset: Dataset, found: dict[int, tuple[str, ...]]) -> Dataset:
    """The same data set; whenever an image is opened, remarks on its decoding go to `found` under its
    index."""
    examples = Examples(partial(_watched, dataset.examples, found), len(dataset))
    return replace(dataset, examples=examples)


def _watched(examples: Sequence[Example], found: dict[int, tuple[str, ...]], index: int) -> Example:
    example = examples[index]
    return replace(example, image=partial(_open, example, found, index))


def _open(example: Example, found: dict[int, tuple[str, ...]], index: int) -> "Image":
    image = example.image()
    remarks = decoding_remarks(image)
    if remarks:
        found[index] = remarks
    return image


def decoding_text(found: Iterable[tuple[str, Iterable[str]]]) -> str:
    """How many images have each remark, with the id of the first one; empty without remarks.

    >>> decoding_text([("a.png", ["of CMYK"]), ("b.png", ["of CMYK"])])
    '2 images of CMYK (the first: a.png)'
    """
    tally = Tally()
    for id_, remarks in found:
        for remark in remarks:
            tally.leave_out(f"images {remark}", id_)
    return "; ".join(map(str, tally.left_out))
