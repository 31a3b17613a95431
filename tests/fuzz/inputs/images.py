"""Images of every form that Pillow writes, under the suffixes that a data set may hold."""

import io
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
from fuzz.harness import Case, Input
from PIL import Image, features

from vlbench import load_model
from vlbench.core.contracts import Example, Model, Target
from vlbench.core.image import decoding_remarks, key_of, part_of
from vlbench.datasets.readers.image_file import open_image_file
from vlbench.engine.executors.loader import naming

FORMS: Mapping[str, tuple[tuple[str, ...], tuple[dict[str, object], ...]]] = {
    "png": (("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), ({}, {"compress_level": 0})),
    "jpg": (("L", "RGB", "CMYK"), ({}, {"progressive": True}, {"subsampling": 2, "quality": 5})),
    "jp2": (("L", "RGB", "RGBA"), ({}, {"irreversible": True})),
    "gif": (("L", "P"), ({}, {"interlace": 0})),
    "bmp": (("1", "L", "P", "RGB"), ({},)),
    "tif": (
        ("L", "RGB", "RGBA", "CMYK", "I;16", "F"),
        ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"compression": "packbits"}),
    ),
    "webp": (("RGB", "RGBA"), ({}, {"lossless": True}, {"save_all": True})),
    "avif": (("RGB", "RGBA"), ({},)),
    "ppm": (("1", "L", "RGB", "I;16"), ({},)),
}
"""Modes and options of each format that a data set may hold."""
OTHERS = (
    "blp",
    "dds",
    "eps",
    "icns",
    "ico",
    "im",
    "msp",
    "pcx",
    "sgi",
    "spider",
    "tga",
    "xbm",
    "pdf",
    "fli",
    "wmf",
)
"""Formats of Pillow that none holds; they lie there under the name of one that it may."""
SIDE = 20


def picture(mode: str) -> Image.Image:
    """A picture of noise in a mode."""
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(noise[..., 0].astype(np.uint16) * 256)
    return Image.fromarray(noise).convert(mode)


def saved(form: str, mode: str, options: Mapping[str, object]) -> bytes | None:
    """A picture as a file; None where this Pillow does not write it."""
    out = io.BytesIO()
    frames = {"append_images": [picture(mode)]} if options.get("save_all") else {}
    try:
        picture(mode).save(
            out,
            {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}.get(form, form.upper()),
            **options,
            **frames,
        )
    except (OSError, ValueError, KeyError):
        return None
    return out.getvalue()


def made() -> Iterator[tuple[str, bytes]]:
    """Files by name: a format, a mode, and the number of its options."""
    for form, (modes, ways) in FORMS.items():
        if form == "avif" and not features.check("avif"):
            continue
        for mode in modes:
            for number, options in enumerate(ways):
                if data := saved(form, mode, options):
                    yield f"{mode.replace(';', '')}-{number}.{form}", data


def good(root: Path) -> None:
    for name, data in made():
        (root / name).write_bytes(data)


def strange(root: Path) -> None:
    for form in OTHERS:
        for mode in ("1", "L", "RGB", "P"):
            if data := saved(form, mode, {}):
                (root / f"{form}-{mode}.jpg").write_bytes(data)
    (root / "psd.png").write_bytes(b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\4\0\0\0\4\0\x08\0\3" + bytes(64))
    (root / "wmf.png").write_bytes(b"\xd7\xcd\xc6\x9a\0\0" + bytes(16) + b"\1\0\x09\0" + bytes(64))
    (root / "eps.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n%%EOF\n"
    )


@cache
def model() -> Model:
    """The model whose preprocessing meets the pictures."""
    return load_model("tiny-clip", device="cpu").model


def door(case: Case) -> None:
    """Open the damaged picture and preprocess it as a run does."""
    preprocess = model().preprocess
    for name in case.damaged:
        example = Example(name, lambda path=str(case / name): open_image_file(path), Target(), name)
        with naming(example, "made"):
            image = example.image()
            key_of(image, example)
            decoding_remarks(image)
            preprocess(part_of(image, case.rng.choice((None, (1, 1, 9, 9)))))


INPUTS = [
    Input("images", good, ("*",), door, share=60, alone=True),
    Input("images of other formats", strange, ("*",), door, share=15, alone=True, taken=False),
]
