"""What decoding changes of a picture is told."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vlbench.core.decoding import decoding_remarks, decoding_text


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
