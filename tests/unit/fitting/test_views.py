"""Views: decided by seed, epoch and image alone, within the areas and ratios of the rule."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from vlbench.core.contracts import Dataset, Example, Target
from vlbench.fitting.views import RATIO, SCALE, draw_box, views


def noise(index: int) -> Example:
    pixels = np.random.default_rng(index).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Example(f"image {index}", partial(Image.fromarray, pixels), Target(label=index), f"noise|{index}")


NOISE = Dataset("noise", "1", [noise(i) for i in range(3)])


def pixels_of(seen: Dataset, index: int) -> np.ndarray:
    return np.asarray(seen[index].image())


def seen(*, seed: int = 1, epoch: int = 0) -> Dataset:
    return views(NOISE, (2, 0), (32, 24), seed=seed, epoch=epoch)


def test_a_view_is_the_same_whenever_it_is_opened() -> None:
    assert pixels_of(seen(), 0).shape == (32, 24, 3)
    assert np.array_equal(pixels_of(seen(), 0), pixels_of(seen(), 0))


def test_seed_epoch_and_image_each_make_another_view() -> None:
    first = seen()
    others = [(seen(epoch=1), 0), (seen(seed=2), 0), (first, 1)]
    assert not any(np.array_equal(pixels_of(first, 0), pixels_of(*other)) for other in others)
    prints = {first[0].state, *(other[index].state for other, index in others)}
    assert len(prints) == 4


def test_a_view_keeps_its_images_truth() -> None:
    assert [seen()[i].target.label for i in range(2)] == [2, 0]
    assert seen()[0].target.label == 2


def test_boxes_keep_to_the_areas_and_ratios() -> None:
    random = np.random.default_rng(0)
    boxes = [draw_box(500, 375, random) for _ in range(500)]
    areas = np.array([(right - left) * (lower - upper) for left, upper, right, lower in boxes]) / (500 * 375)
    ratios = np.array([(right - left) / (lower - upper) for left, upper, right, lower in boxes])
    assert SCALE[0] - 0.01 < areas.min() < 0.12
    assert 0.9 < areas.max() <= 1
    assert RATIO[0] - 0.02 < ratios.min() < 0.8
    assert 1.25 < ratios.max() < RATIO[1] + 0.02
    assert all(0 <= left < right <= 500 and 0 <= upper < lower <= 375 for left, upper, right, lower in boxes)


@pytest.mark.parametrize(("size", "box"), [((400, 10), (193, 0, 206, 10)), ((10, 400), (0, 193, 10, 206))])
def test_an_image_too_oblong_for_any_draw_is_cropped_at_its_centre(
    size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    class Whole:
        def uniform(self, low: float, high: float) -> float:
            return high if low == SCALE[0] else 0.0

    assert draw_box(*size, Whole()) == box


def test_flips_happen_half_of_the_time() -> None:
    row = np.linspace(0, 255, 64).astype(np.uint8)
    ramp = Image.fromarray(np.broadcast_to(row[None, :, None], (64, 64, 3)).copy())
    ramps = Dataset("ramp", "1", [Example("ramp", ramp.copy, Target(label=0), "ramp")])
    flipped = 0
    for epoch in range(100):
        pixels = pixels_of(views(ramps, (0,), (32, 32), seed=1, epoch=epoch), 0)
        flipped += int(pixels[0, 0, 0] > pixels[0, -1, 0])
    assert 30 < flipped < 70
