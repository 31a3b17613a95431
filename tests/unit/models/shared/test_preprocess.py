"""Preprocessing: bit-equal to open_clip's transform, to the fixtures, and the fast way within two steps."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.transform import image_transform
from parity_weights import FIXTURES, normal
from PIL import Image

from vlbench.core.errors import NoPixels, WeightsError
from vlbench.models.shared import dual_encoder
from vlbench.models.shared.preprocess import preprocess_for
from vlbench.models.shared.recipe import Preprocessing

CASES = json.loads((FIXTURES / "preprocess" / "preprocess.json").read_text(encoding="utf-8"))["cases"]
PUBLISHED = np.load(FIXTURES / "preprocess" / "preprocess.npz")
PIPELINES = {
    "openai_clip_eval": Preprocessing(),
    "elevater_no_center_crop": Preprocessing(resize_mode="squash"),
    "ram": Preprocessing(
        resize_mode="squash",
        interpolation="bilinear",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    ),
}
GEOMETRIES = [
    Preprocessing(size=size, resize_mode=mode, interpolation=kind, fill_color=9)
    for size in ((32, 32), (40, 24))
    for mode in ("shortest", "squash", "longest")
    for kind in ("bicubic", "bilinear")
]


def photo(height: int, width: int) -> Image.Image:
    """A smooth picture with edges: noise alone is no image that a JPEG could hold."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(rows / (5 + k) + k) * np.cos(columns / (9 - k)) for k in range(3)]
    pixels = np.stack(waves, axis=-1)
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 90)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def normalised(pixels: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    return dual_encoder.normalised(pixels[None], mean=preprocessing.mean, std=preprocessing.std)[0]


def reference(image: Image.Image, preprocessing: Preprocessing) -> torch.Tensor:
    made: torch.Tensor = image_transform(
        preprocessing.size,
        is_train=False,
        mean=preprocessing.mean,
        std=preprocessing.std,
        resize_mode=preprocessing.resize_mode,
        interpolation=preprocessing.interpolation,
        fill_color=preprocessing.fill_color,
    )(image)
    return made


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_published_pixels(case: str, pipeline: str) -> None:
    height, width, size = CASES[case]
    noise = np.rint(128 + 60 * normal(f"input/pil_{case}", (height, width, 3))).clip(0, 255)
    asked = Preprocessing(**(asdict(PIPELINES[pipeline]) | {"size": (size, size)}))  # type: ignore[arg-type]
    pixels = preprocess_for(asked, "exact")(Image.fromarray(noise.astype(np.uint8)))
    assert pixels.dtype == torch.uint8
    difference = normalised(pixels, asked).numpy() - PUBLISHED[f"{case}/{pipeline}"]
    assert np.abs(difference).max() <= 1e-5


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I", "F", "I;16"])
def test_exact_is_bit_equal_to_open_clip_for_images_of_every_mode(mode: str) -> None:
    image = photo(61, 90)
    if mode == "RGBA":
        image.putalpha(photo(61, 90).convert("L"))
    elif mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 200)
    else:
        image = image.convert(mode)
    assert image.mode == mode
    for preprocessing in GEOMETRIES:
        pixels = preprocess_for(preprocessing, "exact")(image)
        assert torch.equal(normalised(pixels, preprocessing), reference(image, preprocessing))
        if mode not in ("RGB", "L"):
            assert torch.equal(preprocess_for(preprocessing, "fast")(image), pixels)


@pytest.mark.parametrize("kind", ["jpeg", "grey jpeg", "png", "in memory"])
@pytest.mark.parametrize("shape", [(120, 300), (300, 120), (100, 70), (20, 21)])
def test_fast_differs_by_two_steps_at_most(kind: str, shape: tuple[int, int]) -> None:
    image = photo(*shape).convert("L" if kind == "grey jpeg" else "RGB")
    file = BytesIO()
    image.save(file, "PNG" if kind == "png" else "JPEG", **({} if kind == "png" else {"quality": 90}))
    for preprocessing in GEOMETRIES:
        exact = preprocess_for(preprocessing, "exact")(Image.open(file))
        opened = Image.open(file)
        if kind == "in memory":
            opened.load()
        fast = preprocess_for(preprocessing, "fast")(opened)
        assert fast.shape == exact.shape == (3, *preprocessing.size)
        assert fast.is_contiguous()
        assert (fast.int() - exact.int()).abs().max() <= 2, preprocessing


def test_fast_decodes_jpeg_files_without_pillow_and_closes_them(tmp_path: Path) -> None:
    photo(50, 60).save(tmp_path / "a.jpg")
    image = Image.open(tmp_path / "a.jpg")
    file = image.fp
    fast = preprocess_for(Preprocessing(size=(32, 32)), "fast")
    first = fast(image)
    assert image.tile  # still not read by Pillow
    assert file is not None
    assert file.closed
    assert torch.equal(fast(image), first)


def test_a_damaged_jpeg_fails_with_pillows_own_error() -> None:
    file = BytesIO()
    photo(200, 200).save(file, "JPEG")
    for mode in ("exact", "fast"):
        image = Image.open(BytesIO(file.getvalue()[:2000]))
        with pytest.raises(OSError, match="truncated"):
            preprocess_for(Preprocessing(), mode)(image)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_transforms_are_pickled_and_run_in_threads(mode: str) -> None:
    transform = preprocess_for(Preprocessing(size=(32, 32)), mode)  # type: ignore[arg-type]
    images = [photo(40 + k, 50) for k in range(16)]
    alone = [transform(image) for image in images]
    copied = pickle.loads(pickle.dumps(transform))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(copied, images))
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_the_common_transforms_pickle_nothing_of_open_clip() -> None:
    """A worker process would import all of open_clip for it."""
    assert b"open_clip" not in pickle.dumps(preprocess_for(Preprocessing(), "exact"))


def test_an_unknown_resize_mode_is_named() -> None:
    with pytest.raises(WeightsError, match="'stretch'"):
        preprocess_for(Preprocessing(resize_mode="stretch"), "exact")


def test_layouts_of_a_batch_do_not_matter() -> None:
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    by_channel = pixels.to(memory_format=torch.channels_last)
    normalise = partial(dual_encoder.normalised, mean=(0.5,) * 3, std=(0.25,) * 3)
    assert normalise(by_channel).is_contiguous()
    assert torch.equal(normalise(by_channel), normalise(pixels))


@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("size", [(2000, 3), (3, 2000)])
def test_a_picture_of_which_the_resize_leaves_no_row_is_refused(mode: str, size: tuple[int, int]) -> None:
    transform = preprocess_for(Preprocessing(size=(64, 64), resize_mode="longest"), mode)  # type: ignore[arg-type]
    with pytest.raises(NoPixels, match=rf"{size[0]}x{size[1]} pixels are too long and narrow .* 64x64"):
        transform(Image.new("RGB", size))
    assert transform(Image.new("RGB", (2000, 40))).shape == (3, 64, 64)  # one row is left


def test_a_transparent_colour_of_an_rgb_file_takes_the_exact_way() -> None:
    file = BytesIO()
    photo(40, 50).save(file, "PNG", transparency=(1, 2, 3))
    fast, exact = (preprocess_for(Preprocessing(), mode)(Image.open(file)) for mode in ("fast", "exact"))
    assert torch.equal(fast, exact)
