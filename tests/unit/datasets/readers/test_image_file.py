"""Images of the formats that are read: no other decoder is reached, and what is damaged is one line."""

import io
import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError
from vlbench.core.image import decoding_remarks
from vlbench.datasets.readers import image_file
from vlbench.datasets.readers.folder import folder
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, open_image_bytes, open_image_file

SIZE = (24, 20)
PIXELS = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8)


def picture(mode: str) -> Image.Image:
    if mode == "F":
        return Image.fromarray(PIXELS[:, :, 0].astype(np.float32))
    if mode == "I;16":
        return Image.fromarray(PIXELS[:, :, 0].astype(np.uint16) * 257)
    return Image.fromarray(PIXELS).convert("RGBA" if mode == "LA" else mode).convert(mode)


def encoded(form: str, mode: str, **options: object) -> bytes:
    data = io.BytesIO()
    further = {"append_images": [picture("RGB"), picture("RGB")]} if "save_all" in options else {}
    picture(mode).save(data, form, **further, **options)  # type: ignore[arg-type]
    return data.getvalue()


EXIF = Image.Exif()
EXIF[0x0112] = 6
FRAMES: dict[str, object] = {"save_all": True}
FORMS: dict[str, tuple[str, str, dict[str, object]]] = {
    **{f"JPEG {mode}": ("JPEG", mode, {}) for mode in ("L", "RGB", "CMYK")},
    "JPEG progressive": ("JPEG", "RGB", {"progressive": True, "exif": EXIF}),
    "MPO": ("MPO", "RGB", FRAMES),
    **{f"JPEG2000 {mode}": ("JPEG2000", mode, {}) for mode in ("L", "LA", "RGB", "RGBA", "I;16")},
    **{f"PPM {mode}": ("PPM", mode, {}) for mode in ("1", "L", "RGB", "I;16", "F")},
    **{f"BMP {mode}": ("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")},
    **{f"GIF {mode}": ("GIF", mode, {}) for mode in ("L", "P", "RGBA")},
    "GIF frames": ("GIF", "RGB", FRAMES),
    **{f"PNG {mode}": ("PNG", mode, {"exif": EXIF}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")},
    "PNG frames": ("PNG", "RGB", FRAMES),
    **{
        f"TIFF {mode}": ("TIFF", mode, {})
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "F")
    },
    **{
        f"TIFF {way}": ("TIFF", "RGB", {"compression": way})
        for way in ("tiff_lzw", "packbits", "jpeg", "lzma")
    },
    "TIFF frames": ("TIFF", "RGB", FRAMES),
    **{f"WEBP {mode}": ("WEBP", mode, {"exif": EXIF}) for mode in ("RGB", "RGBA")},
    "WEBP frames": ("WEBP", "RGB", FRAMES),
    **(
        {"AVIF": ("AVIF", "RGB", {}), "AVIF frames": ("AVIF", "RGB", FRAMES)}
        if features.check("avif")
        else {}
    ),
}


def decoded(data: bytes) -> Image.Image:
    image = open_image_bytes(data, "x")
    decoding_remarks(image)
    return image.convert("RGB")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_reads_as_pillow_reads_it_and_damage_is_one_line(form: str) -> None:
    kind, mode, options = FORMS[form]
    data = encoded(kind, mode, **options)
    plain = Image.open(io.BytesIO(data))
    opened = open_image_bytes(data, "x")
    assert isinstance(opened, type(plain))
    assert (opened.format, opened.mode, opened.info.keys()) == (plain.format, plain.mode, plain.info.keys())
    assert opened.convert("RGB").tobytes() == plain.convert("RGB").tobytes()
    chance = random.Random(form)
    refused = []
    for _ in range(40):
        try:
            decoded(damaged(data, chance))
        except DataError as error:
            refused.append(str(error))
    assert refused
    assert all(each.startswith("x ") and len(each.splitlines()) == 1 for each in refused)


def damaged(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    at, length = chance.randrange(len(data)), chance.randrange(1, 40)
    match chance.randrange(5):
        case 0:
            del found[at:]
        case 1:
            found[at : at + 4] = chance.choice([b"\xff" * 4, b"\x7f" + b"\xff" * 3, bytes(4), b"\0\1\0\0"])
        case 2:
            found[at:at] = chance.randbytes(length)
        case 3:
            del found[at : at + length]
        case _:
            for _ in range(length // 4 + 1):
                found[chance.randrange(min(len(found), 300))] = chance.randrange(256)
    return bytes(found)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
OTHERS = [
    *(encoded(form, "RGB") for form in ("ICO", "PCX", "TGA", "SGI", "DDS", "DIB", "QOI")),
    encoded("SPIDER", "F"),
    EPS,
    b"\xc5\xd0\xd3\xc6" + (30).to_bytes(4, "little") + bytes(22) + EPS,
    b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x08\0\0\0\x08\0\x08\0\3" + bytes(400),
    b"\xd7\xcd\xc6\x9a" + bytes(60),
    b"BLP2" + bytes(200),
]


@pytest.mark.parametrize("data", OTHERS)
def test_no_other_decoder_is_reached_whatever_the_file_is_called(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = tmp_path / "called"
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {called}\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ghostscript.parent}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.jpg is no image of a kind that is read"):
        open_image_file(str(path))
    assert not called.exists()


def test_every_suffix_that_is_offered_is_of_a_format_that_is_read() -> None:
    Image.init()
    for suffix in IMAGE_SUFFIXES:
        assert Image.EXTENSION[suffix] in image_file.IMAGE_FORMATS


def test_an_image_of_too_many_pixels_is_refused_also_where_pillows_check_is_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = encoded("BMP", "1")
    large = data[:18] + (20_000).to_bytes(4, "little") * 2 + data[26:]
    for most in (Image.MAX_IMAGE_PIXELS, None):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(DataError, match="x has more than 178,956,970 pixels; make it smaller"):
            open_image_bytes(large, "x")


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(image_file.MOST_BYTES + 1)
    with pytest.raises(DataError, match=r"a\.png has more than 2,147,483,648 bytes"):
        open_image_file(str(tmp_path / "a.png"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes among files")
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_a_device_among_images_is_refused(
    kind: str, tmp_path: Path, png: Callable[[int], bytes]
) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(png(0))
    odd = tmp_path / "cat" / "b.png"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=rf"b\.png is a {kind} and no file; remove it"):
        folder(Place(), path=str(tmp_path))
    with pytest.raises(DataError, match=rf"b\.png cannot be read .it is a {kind} and no file"):
        open_image_file(str(odd))


def test_what_a_decoder_warns_of_is_no_other_error() -> None:
    data = encoded("PNG", "P", transparency=bytes(256))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_image_bytes(data, "x").load()
