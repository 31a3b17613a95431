"""Ties are exact whatever stands beside a text or an image: the laws of every adapter that reads words."""

import pytest
import torch
from contracts.adapter_samples import READERS, SAMPLES

from vlbench.core.contracts import Placement, Text

COUNTS = (*range(1, 71), 100, 101, 127, 128, 129, 1000, 1001)
"""Texts or images of a score matrix: odd and even to the kernels of every processor."""
NAMES = ("red circle", "blue square", "seven")


@pytest.fixture(scope="module", params=sorted(READERS))
def model(request, tmp_path_factory):
    return SAMPLES[request.param](tmp_path_factory.mktemp("sample")).open(None).load(Placement())


@pytest.fixture(scope="module")
def sides(model):
    """Features of three images and of three texts."""
    generator = torch.Generator().manual_seed(0)
    height, width = model.info.image_size
    with torch.inference_mode():
        pixels = torch.randint(0, 256, (3, 3, height, width), generator=generator, dtype=torch.uint8)
        texts = model.encode_texts([Text(name) for name in NAMES], batch_size=4)
        return model.encode_images(pixels), texts


def test_equal_texts_tie_whatever_their_number(model, sides):
    images, texts = sides
    with torch.inference_mode():
        untied = [m for m in COUNTS if not tied(model.score(images, texts[:1].repeat_interleave(m, 0)), 1)]
    assert untied == []


def test_equal_images_tie_whatever_their_number(model, sides):
    images, texts = sides
    counts = COUNTS if images.ndim == 2 else COUNTS[:70:9]  # tokens of a thousand images do not fit
    with torch.inference_mode():
        untied = [n for n in counts if not tied(model.score(images[:1].repeat_interleave(n, 0), texts), 0)]
    assert untied == []


def test_a_texts_place_changes_no_bit(model, sides):
    images, texts = sides
    with torch.inference_mode():
        for m in (2, 3, 5, 7, 10, 37, 101):
            rows = texts[torch.arange(m) % 3]
            scores = model.score(images, rows)
            for place in range(min(3, m)):
                assert tied(scores[:, place::3], 1), (m, place)


def tied(scores: torch.Tensor, dim: int) -> bool:
    return bool((scores == scores.narrow(dim, 0, 1)).all())
