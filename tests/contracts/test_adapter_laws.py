"""The laws every adapter passes; they run over all that vlbench registers."""

import pickle

import numpy as np
import pytest
import torch
from contracts.adapter_samples import NEED_THE_HUB, READERS, SAMPLES, words_of
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vlbench.core.contracts import Placement, Text
from vlbench.core.errors import WeightsError
from vlbench.core.registry import ADAPTERS

LOGIT = 1e-4
TEXTS = tuple(
    Text(name, prompts=prompts)
    for name, prompts in (
        ("red circle", ("a photo of a red circle.", "a red circle.")),
        ("blue square", ("a blue square.",)),
        ("seven", ()),
        ("a green triangle to the left of a large yellow star above a small grey ring", ()),
        ("cat", ("a cat, a dog and a bird in one sentence that is longer than the others are.", "cat")),
    )
)


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def sample(request, tmp_path_factory):
    return SAMPLES[request.param](tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def model(sample):
    return sample.open(None).load(Placement())


@pytest.fixture(scope="module")
def words(sample):
    """Texts that the model reads."""
    return words_of(sample.open(None), TEXTS)


@pytest.fixture(scope="module")
def pixels(model):
    generator = np.random.default_rng(0)
    shapes = [(40, 70, 3), (90, 64, 3), (64, 64, 3), (200, 31, 3), (75, 75, 3), (64, 80, 3), (32, 32, 3)]
    images = [Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]
    return torch.stack([model.preprocess(image) for image in images])


reads_words = pytest.mark.parametrize("sample", sorted(READERS), indirect=True)
"""Of a law on texts: what has none of them is left out."""


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def test_every_adapter_has_a_sample():
    built_in = {name for name in ADAPTERS.names() if ADAPTERS.distribution(name) == "vlbench"}
    assert built_in == SAMPLES.keys() | NEED_THE_HUB


def test_the_first_axis_counts_items_and_outputs_are_finite(model, pixels):
    images = model.encode_images(pixels)
    assert len(images) == len(pixels)
    assert images.shape[1:] == model.info.feature_shape
    assert bool(torch.isfinite(images).all())
    assert images.dtype == torch.float32


@reads_words
def test_so_does_that_of_texts_and_a_score_has_both(model, pixels):
    texts = model.encode_texts(TEXTS, batch_size=4)
    scores = model.score(model.encode_images(pixels), texts)
    assert len(texts) == len(TEXTS)
    assert scores.shape == (len(pixels), len(TEXTS))
    assert all(bool(torch.isfinite(part).all()) for part in (texts, scores))
    assert {texts.dtype, scores.dtype} == {torch.float32}


def sides(model, pixels, words):
    """Features of images, and of texts where the model reads them."""
    return model.encode_images(pixels), *(model.encode_texts(words, batch_size=4) for _ in words[:1])


def test_two_runs_are_equal(model, pixels, words):
    assert all(map(torch.equal, sides(model, pixels, words), sides(model, pixels, words)))


def test_two_loads_are_equal(sample, model, pixels, words):
    again = sample.open(None).load(Placement())
    assert all(map(torch.equal, sides(model, pixels, words), sides(again, pixels, words)))


def test_chunks_of_images_change_nothing_beyond_rounding(model, pixels, words):
    def answer(part):
        images, *texts = sides(model, part, words)
        return model.score(images, *texts) if texts else images

    whole = answer(pixels)
    parts = [answer(part) for part in torch.split(pixels, 2)]
    assert torch.allclose(torch.cat(parts), whole, atol=LOGIT, rtol=0)


@reads_words
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_chunks_of_texts_change_nothing_beyond_rounding(model, pixels, batch_size):
    images = model.encode_images(pixels)
    whole = model.score(images, model.encode_texts(TEXTS, batch_size=4))
    parts = [model.score(images, model.encode_texts([text], batch_size=batch_size)) for text in TEXTS]
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=LOGIT, rtol=0)


def alike(one, other):
    """Equal to the bit by one thread; several split a batch where its rows round otherwise."""
    if torch.get_num_threads() == 1:
        return torch.equal(one, other)
    return torch.allclose(one, other, atol=1e-5, rtol=0)


def test_companions_change_no_bit_at_one_batch_shape(model, pixels, words):
    images = model.encode_images(pixels)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    assert alike(model.encode_images(pixels[order]), images[order])
    alone = torch.zeros_like(pixels)
    alone[0] = pixels[3]
    assert alike(model.encode_images(alone)[0], images[3])
    _, *texts = sides(model, pixels, words)
    for position, text in enumerate(words):
        assert alike(model.encode_texts([text], batch_size=4)[0], texts[0][position])


@reads_words
def test_permuted_texts_permute_columns(model, pixels):
    images = model.encode_images(pixels)
    scores = model.score(images, model.encode_texts(TEXTS, batch_size=4))
    backwards = model.score(images, model.encode_texts(TEXTS[::-1], batch_size=4))
    assert torch.equal(backwards.flip(1), scores)


@reads_words
def test_stored_features_give_the_fresh_scores(model, pixels):
    images, texts = model.encode_images(pixels), model.encode_texts(TEXTS, batch_size=4)
    stored = [
        torch.from_numpy(np.frombuffer(side.numpy().tobytes(), np.float32).reshape(side.shape).copy())
        for side in (images, texts)
    ]
    assert torch.equal(model.score(*stored), model.score(images, texts))


@pytest.mark.any_kernel
def test_preprocessing_travels_to_workers(model):
    image = Image.new("RGB", (50, 90), (200, 30, 7))
    assert torch.equal(pickle.loads(pickle.dumps(model.preprocess))(image), model.preprocess(image))


@pytest.mark.any_kernel
def test_identity_is_known_without_loading_and_its_sides_differ(sample):
    first, second = sample.open(None).identify(), sample.open(None).identify()
    assert first == second
    assert len({first.image, first.text, first.whole}) == 3
    assert all(len(digest) == 64 for digest in first.weights.values())


@pytest.mark.any_kernel
def test_a_missing_key_is_refused_by_name(sample, tmp_path):
    state = load_file(sample.weights)
    missing = sample.key or sorted(key for key in state if key.startswith("visual."))[0]
    state.pop(missing)
    write_like(sample, state, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match=missing.replace(".", r"\.")):
        sample.open(tmp_path / "weights.safetensors").load(Placement())


@pytest.mark.any_kernel
def test_a_wrong_shape_is_refused_by_name(sample, tmp_path):
    state = load_file(sample.weights)
    key = sample.key or "text_projection"
    state[key] = torch.zeros(3, 5)
    write_like(sample, state, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match=key):
        sample.open(tmp_path / "weights.safetensors").load(Placement())


@pytest.mark.any_kernel
def test_an_unexpected_key_is_refused_by_name(sample, tmp_path):
    state = load_file(sample.weights)
    state["visual.gate"] = torch.zeros(1)
    write_like(sample, state, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match=r"visual\.gate"):
        sample.open(tmp_path / "weights.safetensors").load(Placement())


@pytest.mark.any_kernel
def test_other_weights_are_another_model(sample, tmp_path):
    state = load_file(sample.weights)
    key = sample.key or "logit_scale"
    state[key] = state[key] + 0.5
    write_like(sample, state, tmp_path / "weights.safetensors")
    other, own = sample.open(tmp_path / "weights.safetensors"), sample.open(None)
    assert other.identify().whole != own.identify().whole
    assert other.name != own.name


def write_like(sample, state, path):
    """A state dict under the header of the sample's own file."""
    with safe_open(sample.weights, "pt") as file:
        save_file(state, path, file.metadata())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 3e-2), ("fp16", 5e-3)])
def test_a_gpu_gives_the_cpu_features(sample, model, pixels, words, precision, tolerance):
    there = sample.open(None).load(Placement("cuda", precision))
    images, *texts = (side.cpu() for side in sides(there, pixels.cuda(), words))
    wanted, *wanted_texts = sides(model, pixels, words)
    length = wanted.norm(dim=1, keepdim=True) if wanted.ndim == 2 else 1.0  # a dual encoder's, as projected
    assert torch.allclose(images / length, wanted / length, atol=tolerance, rtol=0)
    for found, expected in zip(texts, wanted_texts, strict=True):
        assert torch.allclose(found, expected, atol=tolerance, rtol=0)
