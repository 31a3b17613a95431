"""Digests of images by what they hold; what decoding changes of a picture is told."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlbench.core.contracts import Dataset, Example, Target
from vlbench.core.errors import DataError, NoPixels
from vlbench.core.image import (
    decoding_remarks,
    decoding_text,
    image_digests,
    part_of,
    sample_digest,
    seen_among,
)
from vlbench.datasets.readers.image_file import open_image_file


def pictures(each: Sequence[Path | Image.Image]) -> Dataset:
    """Files by their paths, or made pictures."""
    images = [partial(open_image_file, str(one)) if isinstance(one, Path) else one.copy for one in each]
    examples = [Example(str(i), image, Target(), str(each[i])) for i, image in enumerate(images)]
    return Dataset("pictures", "1", examples)


def drawn(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif", "bmp", "avif", "jp2"])
def test_a_copy_under_another_name_has_the_same_digest_and_another_byte_another(
    tmp_path: Path, suffix: str
) -> None:
    first, copy, other = (tmp_path / f"{name}.{suffix}" for name in ("cat_01", "v0000", "other"))
    drawn(1).save(first)
    copy.write_bytes(first.read_bytes())
    other.write_bytes(first.read_bytes() + b"\0")
    digests = image_digests(pictures([first, copy, other]), None)
    assert digests[0] == digests[1] != digests[2]


def test_made_pictures_are_told_apart_by_their_pixels() -> None:
    digests = image_digests(pictures([drawn(1), drawn(1), drawn(2), drawn(1).convert("L")]), None)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_images_are_read_once_and_their_digests_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    drawn(1).save(path)
    source = pictures([path])
    first = image_digests(source, tmp_path / "cache")
    path.unlink()
    assert image_digests(source, tmp_path / "cache") == first


def test_seen_images_are_counted_and_nothing_is_read_where_nothing_was_learned(tmp_path: Path) -> None:
    learned = image_digests(pictures([drawn(1), drawn(2)]), None)
    assert seen_among(pictures([drawn(2), drawn(3), drawn(2)]), learned, None) == 2
    assert seen_among(pictures([tmp_path / "none.png"]), (), None) == 0


def test_data_of_equal_names_and_sizes_are_told_apart_by_a_few_of_their_images(tmp_path: Path) -> None:
    for name, first in (("a", 0), ("copy", 0), ("b", 100)):
        (tmp_path / name).mkdir()
        for i in range(40):
            drawn(first + i).save(tmp_path / name / f"{i:02}.bmp")
    a, copy, b = (pictures(sorted((tmp_path / name).iterdir())) for name in ("a", "copy", "b"))
    assert sample_digest(a, None) == sample_digest(copy, None) != sample_digest(b, None)


def test_a_sample_is_read_once_and_of_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    drawn(1).save(path)
    source = pictures([path])
    first = sample_digest(source, tmp_path / "cache")
    assert first
    path.unlink()
    assert sample_digest(source, tmp_path / "cache") == first
    assert sample_digest(pictures([drawn(1)]), None) == ""
    assert sample_digest(pictures([]), None) == ""


def opened(image: Image.Image, form: str, **options: object) -> Image.Image:
    data = BytesIO()
    image.save(data, form, **options)
    return Image.open(BytesIO(data.getvalue()))


GREY = np.arange(100, dtype=np.uint8).reshape(10, 10)
RGB = Image.fromarray(np.stack([GREY] * 3, axis=-1))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (lambda: opened(Image.fromarray(GREY.astype("uint16") * 257), "PNG"), "values above 255 turn white"),
        (lambda: opened(Image.fromarray(GREY.astype("int32")), "TIFF"), "values above 255 turn white"),
        (lambda: opened(Image.fromarray(GREY.astype("float32")), "TIFF"), "of floats"),
        (lambda: opened(RGB.convert("CMYK"), "JPEG"), "of CMYK"),
        (lambda: opened(RGB, "JPEG", exif=exif(6)), "EXIF orientation, which is not applied"),
        (lambda: opened(RGB, "PNG", exif=exif(3)), "EXIF orientation, which is not applied"),
        (
            lambda: opened(RGB, "GIF", save_all=True, append_images=[RGB.rotate(90)]),
            "of several frames, of which the first is read",
        ),
        (lambda: opened(RGB, "PNG", save_all=True, append_images=[RGB.rotate(90)]), "of several frames"),
        (lambda: opened(RGB, "WEBP", save_all=True, append_images=[RGB.rotate(90)]), "of several frames"),
        (lambda: opened(RGB.convert("RGBA"), "PNG"), "with transparency"),
    ],
)
def test_a_picture_that_is_converted_is_told(image, told) -> None:
    (remark,) = decoding_remarks(image())
    assert told in remark


def test_looking_at_a_picture_leaves_its_pixels() -> None:
    frames = {"save_all": True, "append_images": [RGB.rotate(90)]}
    for form in ("GIF", "PNG", "WEBP"):
        untouched = np.asarray(opened(RGB, form, **frames).convert("RGB"))
        looked_at = opened(RGB, form, **frames)
        assert decoding_remarks(looked_at)
        assert np.array_equal(np.asarray(looked_at.convert("RGB")), untouched)


def test_plain_pictures_are_not_spoken_of() -> None:
    for image in (RGB, RGB.convert("L"), RGB.convert("P"), RGB.convert("1")):
        assert decoding_remarks(opened(image, "PNG")) == ()
    assert decoding_remarks(opened(RGB, "JPEG", exif=exif(1))) == ()


def test_remarks_are_counted() -> None:
    said = decoding_text([("a", ("x", "y")), ("b", ()), ("c", ("x",))])
    assert said == "2 images x (the first: a); 1 images y (the first: a)"


def test_a_box_beyond_any_image_is_a_line() -> None:
    for width in (10**12, 10**30):
        with pytest.raises(DataError, match="lies beyond any image; correct the annotation"):
            part_of(Image.new("RGB", (2, 2)), (0, 0, width, 1))


def test_what_a_resize_of_the_shorter_side_would_blow_up_is_a_line() -> None:
    image = Image.new("RGB", (2, 2002))
    for box in (None, (0, 0, 1, 1001)):
        with pytest.raises(NoPixels, match=r"\dx\d+ pixels are too long and narrow for any model"):
            part_of(image, box)
    assert part_of(image, (0, 0, 2, 2000)).size == (2, 2000)
