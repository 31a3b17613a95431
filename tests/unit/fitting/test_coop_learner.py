"""Learning a context: the authors' six golden steps, and starts."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import FIXTURES, value

from vlbench.core.contracts import Origin, Placement, Text
from vlbench.core.errors import VlbenchError
from vlbench.fitting.coop_learner import Learner, first_context, prompts_of
from vlbench.fitting.coop_recipe import CoopRecipe, learning_rate
from vlbench.models.clip.checkpoint import local_dir
from vlbench.models.shared.dual_encoder import DualEncoder

COOP = FIXTURES / "coop"
NAMES = ("dog", "golden_retriever", "yellow lady's slipper", "Boeing_737-800", "forest")


@pytest.fixture(scope="module")
def model(coop_folder: Path) -> DualEncoder:
    return local_dir(Origin("tiny"), reference=str(coop_folder)).load(Placement())


def learner_of(
    model: DualEncoder,
    recipe: CoopRecipe,
    context: torch.Tensor,
    *,
    names: Sequence[str] = NAMES,
    batch_size: int = 4,
) -> Learner:
    prompts = prompts_of(
        model.text_encoder.tower,
        names,
        recipe,
        n_ctx=context.shape[-2],
        scale=model.info.unit.scale,
        batch_size=batch_size,
    )
    return Learner.start(prompts, recipe, context, None)


def test_six_steps_of_the_authors_training(model: DualEncoder) -> None:
    golden = np.load(COOP / "coop.npz")
    recipe = CoopRecipe(epochs=6, n_ctx=4)
    learner = learner_of(model, recipe, value("ctx/n4_unified", (4, 64), scale=0.1))
    with torch.no_grad():
        images = model.image_tower(value("input/train_images", (4, 3, 32, 32)))
    images = images / images.norm(dim=-1, keepdim=True)
    labels = torch.from_numpy(golden["train/labels"])
    steps = golden["train/ctx_after_each_step"]
    assert np.abs(learner.context.detach().numpy() - steps[0]).max() < 1e-7
    loss, _ = learner.prompts.loss(learner.context, images, labels)
    (gradient,) = torch.autograd.grad(loss, learner.context)
    assert np.abs(gradient.numpy() - golden["train/grad_step0"]).max() < 1e-4
    for epoch in range(6):
        assert learning_rate(epoch, recipe) == pytest.approx(golden["train/lr"][epoch], rel=1e-9)
        loss, _ = learner.epoch(epoch, images, labels)
        assert loss == pytest.approx(golden["train/loss"][epoch], abs=1e-4)
        assert np.abs(learner.context.detach().numpy() - steps[epoch + 1]).max() < 1e-4


@pytest.mark.parametrize("position", ["end", "middle", "front"])
@pytest.mark.parametrize("kind", ["unified", "csc"])
def test_learned_features_are_those_that_a_run_reads(model: DualEncoder, kind: str, position: str) -> None:
    """The learner's small table and the authors' full one give the same features."""
    golden = np.load(COOP / "coop.npz")[f"n4_{kind}_{position}/text_features"]
    shape = (4, 64) if kind == "unified" else (5, 4, 64)
    recipe = CoopRecipe(epochs=1, n_ctx=4, class_specific=kind == "csc", position=position)
    learner = learner_of(model, recipe, value(f"ctx/n4_{kind}", shape, scale=0.1))
    found = learner.prompts.features(learner.context).detach().numpy()
    assert np.abs(found - golden / np.linalg.norm(golden, axis=1, keepdims=True)).max() < 1e-5


def test_only_the_context_is_learned(model: DualEncoder) -> None:
    before = {key: tensor.clone() for key, tensor in model.text_encoder.tower.model.state_dict().items()}
    learner = learner_of(model, CoopRecipe(epochs=3, n_ctx=4), value("ctx/n4_unified", (4, 64), scale=0.1))
    images = torch.nn.functional.normalize(value("some images", (6, 32)))
    for epoch in range(3):
        learner.epoch(epoch, images, torch.arange(6) % 5)
    after = model.text_encoder.tower.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_learner_goes_on_where_another_stopped(model: DualEncoder) -> None:
    recipe = CoopRecipe(epochs=4, n_ctx=4)
    start = value("ctx/n4_unified", (4, 64), scale=0.1)
    images, labels = torch.nn.functional.normalize(value("images", (40, 32))), torch.arange(40) % 5
    whole = learner_of(model, recipe, start)
    for epoch in range(4):
        whole.epoch(epoch, images, labels)
    half = learner_of(model, recipe, start)
    for epoch in range(2):
        half.epoch(epoch, images, labels)
    rest = Learner.start(half.prompts, recipe, half.context, half.momentum)
    for epoch in range(2, 4):
        rest.epoch(epoch, images, labels)
    assert torch.equal(rest.context, whole.context)


def test_two_threads_learn_the_same_bytes_each_time(model: DualEncoder) -> None:
    names = [f"thing {number}" for number in range(100)]
    start, images = value("ctx/n4_unified", (4, 64), scale=0.1), value("images", (100, 32))

    def learned() -> bytes:
        learner = learner_of(model, CoopRecipe(epochs=1, n_ctx=4), start, names=names, batch_size=100)
        learner.epoch(0, torch.nn.functional.normalize(images), torch.arange(100))
        return learner.context.detach().numpy().tobytes()

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert len({learned() for _ in range(8)}) == 1
    finally:
        torch.set_num_threads(before)


def test_a_context_starts_from_seeded_numbers_or_from_words(model: DualEncoder) -> None:
    tower = model.text_encoder.tower
    drawn = first_context(tower, CoopRecipe(epochs=1), 5)
    assert drawn.shape == (16, 64)
    assert 0.018 < float(drawn.std()) < 0.022
    assert torch.equal(drawn, first_context(tower, CoopRecipe(epochs=1), 5))
    assert not torch.equal(drawn, first_context(tower, CoopRecipe(epochs=1, seed=2), 5))
    assert first_context(tower, CoopRecipe(epochs=1, n_ctx=3, class_specific=True), 5).shape == (5, 3, 64)
    words = first_context(tower, CoopRecipe(epochs=1, ctx_init="a_photo of a"), 5)
    stored = np.load(COOP / "coop.npz")["n4_unified_end_init/ctx"]
    assert np.abs(words.numpy() - stored).max() < 1e-7
    with pytest.raises(VlbenchError, match=r"--ctx-init .* give fewer words"):
        first_context(tower, CoopRecipe(epochs=1, ctx_init="many words " * 60), 5)
    with pytest.raises(VlbenchError, match=r"--n-ctx 75 leaves no room .* 77 tokens; give at most 74"):
        first_context(tower, CoopRecipe(epochs=1, n_ctx=75), 5)


def test_words_as_a_context_are_plain_clip_on_that_sentence(model: DualEncoder) -> None:
    recipe = CoopRecipe(epochs=1, ctx_init="a photo of a")
    learner = learner_of(model, recipe, first_context(model.text_encoder.tower, recipe, 5))
    plain = model.encode_texts(
        [Text(name, (f"a photo of a {name.replace('_', ' ')}.",)) for name in NAMES], batch_size=4
    )
    assert (learner.prompts.features(learner.context) - plain).abs().max() < 1e-5


def test_the_fixtures_names_are_these() -> None:
    lengths = json.loads((COOP / "coop.json").read_text())["n4_unified_end"]["name_lens"]
    assert len(lengths) == len(NAMES)
