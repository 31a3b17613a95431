"""What is read of a model's files and inputs, for every adapter: nothing is left out without a word."""

import numpy as np
import pytest
import torch
from contracts.adapter_samples import SAMPLES, words_of
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vlbench.core.contracts import Placement, Text
from vlbench.core.errors import WeightsError

TEXTS = tuple(map(Text, ("red circle", "blue square", "seven", "cat", "dog")))
ONE_TENSOR = "coop"
"""Its file is a context, which is written by vlbench alone."""


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def sample(request, tmp_path_factory):
    found = SAMPLES[request.param](tmp_path_factory.mktemp("sample"))
    return request.param, found


@pytest.fixture(scope="module", params=sorted(SAMPLES.keys() - {ONE_TENSOR}))
def checkpoint_sample(request, tmp_path_factory):
    return SAMPLES[request.param](tmp_path_factory.mktemp("sample"))


def images(model, count=7):
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 256, (40 + i, 70, 3), dtype=np.uint8) for i in range(count)]
    return torch.stack([model.preprocess(Image.fromarray(each)) for each in pictures])


def same_in_two_orders(model, texts=TEXTS):
    """Whether features depend on an item alone: encoded forwards, then backwards, by one model."""
    pixels = images(model)
    with torch.inference_mode():
        forwards = [model.encode_images(part) for part in pixels.split(1)]
        backwards = [model.encode_images(part) for part in pixels.flip(0).split(1)]
        words = [model.encode_texts([text], batch_size=1) for text in texts]
        swor = [model.encode_texts([text], batch_size=1) for text in texts[::-1]]
    return all(map(torch.equal, forwards, backwards[::-1])) and all(map(torch.equal, words, swor[::-1]))


def test_features_do_not_depend_on_the_order_of_calls(sample):
    checkpoint = sample[1].open(None)
    assert same_in_two_orders(checkpoint.load(Placement()), words_of(checkpoint, TEXTS))


class Counting:
    """A model that answers by the number of the call: it would find the n-th caption for the n-th image."""

    def __init__(self):
        self.calls = 0

    @staticmethod
    def preprocess(image):
        return torch.zeros(3, 1, 1, dtype=torch.uint8)

    def encode_images(self, pixels):
        self.calls += 1
        return torch.full((len(pixels), 2), float(self.calls))

    def encode_texts(self, texts, *, batch_size):
        return torch.ones(len(texts), 2)


@pytest.mark.any_kernel
def test_a_model_that_counts_its_calls_breaks_that_law():
    assert not same_in_two_orders(Counting())


def changed(sample, tmp_path, change):
    """The sample opened with its own state dict after a change."""
    with safe_open(sample.weights, "pt") as file:
        metadata = file.metadata()
    save_file(change(load_file(sample.weights)), tmp_path / "weights.safetensors", metadata)
    return sample.open(tmp_path / "weights.safetensors")


@pytest.mark.any_kernel
def test_weights_as_they_lie_in_the_file_are_said_to_be_unchanged(sample):
    name, found = sample
    said = found.open(None).load(Placement()).info.changes
    expected = 1 if name == "long_clip" else 0  # one table is made of its two
    assert len(said) == expected


@pytest.mark.any_kernel
def test_half_precision_is_said(checkpoint_sample, tmp_path):
    opened = changed(
        checkpoint_sample,
        tmp_path,
        lambda state: {
            key: value.half() if value.is_floating_point() else value for key, value in state.items()
        },
    )
    assert any("converted from float16 to float32" in said for said in opened.load(Placement()).info.changes)


@pytest.mark.any_kernel
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "net.clip."])
def test_a_prefix_of_training_code_is_read_and_said(checkpoint_sample, tmp_path, prefix):
    opened = changed(
        checkpoint_sample, tmp_path, lambda state: {prefix + key: value for key, value in state.items()}
    )
    model, own = opened.load(Placement()), checkpoint_sample.open(None).load(Placement())
    assert sum("taken o" in said for said in model.info.changes) >= 1
    with torch.inference_mode():
        seen = [each.encode_images(images(each, 2)) for each in (model, own)]
        assert torch.equal(*seen)
        if words_of(opened, TEXTS):
            texts = [each.encode_texts(TEXTS[:3], batch_size=4) for each in (model, own)]
            assert torch.equal(model.score(seen[0], texts[0]), own.score(seen[1], texts[1]))


@pytest.mark.any_kernel
def test_learned_tensors_of_unknown_names_are_refused_by_name(checkpoint_sample, tmp_path):
    opened = changed(checkpoint_sample, tmp_path, lambda state: {**state, "side.gate": torch.ones(2)})
    with pytest.raises(WeightsError, match=r"side\.gate"):
        opened.load(Placement())


def a_matrix(state):
    return next(key for key, value in sorted(state.items()) if value.ndim == 2 and value.is_floating_point())


@pytest.mark.any_kernel
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(checkpoint_sample, tmp_path, value):
    state = load_file(checkpoint_sample.weights)
    key = a_matrix(state)
    state[key][0, 0] = value
    with pytest.raises(WeightsError, match=f"NaN or infinity in 1 tensors: {key}"):
        changed(checkpoint_sample, tmp_path, lambda _: state).load(Placement())


@pytest.mark.any_kernel
def test_weights_of_integers_are_refused_by_name(checkpoint_sample, tmp_path):
    state = load_file(checkpoint_sample.weights)
    key = a_matrix(state)
    state[key] = state[key].to(torch.int8)
    with pytest.raises(WeightsError, match=rf"{key} \(int8\); quantised weights are not read"):
        changed(checkpoint_sample, tmp_path, lambda _: state).load(Placement())
