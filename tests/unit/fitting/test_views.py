"""Views: decided by seed, epoch and image alone, within the areas and ratios of the rule."""

import numpy as np
import pytest
from PIL import Image

from vlbench.core.contracts import Example, Target
from vlbench.fitting.views import RATIO, SCALE, Views, draw_box


class Noise:
    name, revision = "noise", "1"

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Example:
        pixels = np.random.default_rng(index).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        return Example(f"image {index}", lambda: Image.fromarray(pixels), self.target(index))

    def target(self, index: int) -> Target:
        return Target(label=index)

    def fingerprint(self, index: int) -> str:
        return f"noise|{index}"


def pixels_of(views: Views, index: int) -> np.ndarray:
    return np.asarray(views[index].image())


def views(*, seed: int = 1, epoch: int = 0) -> Views:
    return Views(Noise(), (2, 0), (32, 24), seed, epoch)


def test_a_view_is_the_same_whenever_it_is_opened() -> None:
    assert pixels_of(views(), 0).shape == (32, 24, 3)
    assert np.array_equal(pixels_of(views(), 0), pixels_of(views(), 0))


def test_seed_epoch_and_image_each_make_another_view() -> None:
    first = views()
    others = [(views(epoch=1), 0), (views(seed=2), 0), (first, 1)]
    assert not any(np.array_equal(pixels_of(first, 0), pixels_of(*other)) for other in others)
    prints = {first.fingerprint(0), *(other.fingerprint(index) for other, index in others)}
    assert len(prints) == 4


def test_a_view_keeps_its_images_truth() -> None:
    assert [views().target(i).label for i in range(2)] == [2, 0]
    assert views()[0].target.label == 2


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
    class Ramp(Noise):
        def __getitem__(self, index: int) -> Example:
            row = np.linspace(0, 255, 64).astype(np.uint8)
            image = Image.fromarray(np.broadcast_to(row[None, :, None], (64, 64, 3)).copy())
            return Example("ramp", lambda: image, Target(label=0))

    flipped = 0
    for epoch in range(100):
        pixels = pixels_of(Views(Ramp(), (0,), (32, 32), 1, epoch), 0)
        flipped += int(pixels[0, 0, 0] > pixels[0, -1, 0])
    assert 30 < flipped < 70
