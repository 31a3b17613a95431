"""Augmentation: timm's RandAugment operation by operation, boxes by its rule, draws of its own generator."""

import random as global_random

import numpy as np
import pytest
import torch
from PIL import Image
from timm.data.auto_augment import NAME_TO_OP, RandAugment, rand_augment_transform

from vlbench.fitting import augmentation
from vlbench.fitting.augmentation import (
    ARGUMENTS,
    DEVIATION,
    ERASED,
    OPERATIONS,
    STRENGTH,
    STRONGEST,
    augment,
    distort,
    draw_erasure,
)

FILL = (122, 116, 104)
SIZE = (32, 48)
NOISE = Image.fromarray(np.random.default_rng(0).integers(20, 220, (64, 64, 3), dtype=np.uint8))


def timms() -> RandAugment:
    return rand_augment_transform("rand-m9-mstd0.5-inc1", {"img_mean": FILL, "interpolation": 3})


def test_the_operations_are_those_of_timms_policy() -> None:
    policy = timms()
    assert [each.name for each in policy.ops] == list(ARGUMENTS)
    assert policy.num_layers == OPERATIONS
    assert policy.choice_weights is None
    for each in policy.ops:
        assert (each.prob, each.magnitude, each.magnitude_std) == (0.5, STRENGTH, DEVIATION)
        assert each.magnitude_max is None
        assert each.kwargs == {"fillcolor": FILL, "resample": Image.Resampling.BICUBIC}
        assert each.aug_fn is NAME_TO_OP[each.name]


@pytest.mark.parametrize("strength", [0.0, 4.3, 9.0, 10.0])
def test_an_operation_takes_timms_argument(strength: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in timms().ops:
        for sign in (1, -1):
            monkeypatch.setattr(global_random, "random", lambda sign=sign: 1.0 if sign < 0 else 0.0)
            wanted = () if each.level_fn is None else each.level_fn(strength, each.hparams)
            assert ARGUMENTS[each.name](strength / STRONGEST, sign) == pytest.approx(wanted), each.name


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_each_operation_is_done_at_full_strength(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "STRENGTH", 99.0)
    monkeypatch.setattr(augmentation, "ARGUMENTS", {name: ARGUMENTS[name]})
    images = [distort(NOISE, np.random.default_rng(seed), fill=FILL) for seed in range(8)]
    assert {(image.size, image.mode) for image in images} == {(NOISE.size, "RGB")}
    assert any(image.tobytes() != NOISE.tobytes() for image in images)
    if name == "PosterizeIncreasing":  # as Pillow did it when REACT was made
        assert {image.tobytes() for image in images} == {NOISE.tobytes(), bytes(64 * 64 * 3)}


def test_an_image_is_augmented_by_its_own_generator_alone() -> None:
    def once(seed: int) -> bytes:
        image, erasure = augment(NOISE, SIZE, "full", np.random.default_rng(seed), fill=FILL)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
        if erasure is not None:
            erasure.on(pixels)
        return pixels.numpy().tobytes()

    before = (global_random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    first = [once(seed) for seed in range(40)]
    assert first == [once(seed) for seed in range(40)]
    assert len(set(first)) == 40
    after = (global_random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    assert before == after


def test_less_augmentation_is_a_crop_or_nothing() -> None:
    image, erasure = augment(NOISE, SIZE, "crop", np.random.default_rng(1), fill=FILL)
    assert (image.size, erasure) == ((48, 32), None)
    assert augment(NOISE, SIZE, "none", np.random.default_rng(1), fill=FILL) == (NOISE, None)


def test_a_quarter_of_the_images_lose_a_box_of_noise() -> None:
    random = np.random.default_rng(0)
    drawn = [draw_erasure(SIZE, random) for _ in range(2000)]
    boxes = [each for each in drawn if each is not None]
    assert len(boxes) / len(drawn) == pytest.approx(ERASED, abs=0.03)
    shapes = np.array([each.noise.shape[1:] for each in boxes])
    shares = shapes.prod(axis=1) / (SIZE[0] * SIZE[1])
    assert 0.015 < shares.min() < 0.05
    assert 0.3 < shares.max() < 0.36
    assert all(
        each.top + h <= SIZE[0] and each.left + w <= SIZE[1]
        for each, (h, w) in zip(boxes, shapes, strict=True)
    )
    noise = torch.cat([each.noise.flatten() for each in boxes])
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)
