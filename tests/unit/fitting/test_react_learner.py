"""Tuning on pairs: the authors' six steps in four cases, parts of a batch, and what learns."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import FIXTURES, layout, state_dict, value
from safetensors.torch import save_file
from torch import Tensor, nn

from vlbench.core.contracts import Placement, Precision
from vlbench.core.errors import NotFinite, VlbenchError
from vlbench.fitting.react_learner import Learner
from vlbench.fitting.react_recipe import ReactRecipe, is_decayed, learning_rate, steps_of
from vlbench.models.clip.network import filled_model
from vlbench.models.react.network import construct
from vlbench.models.shared.dual_encoder import unit

REACT = FIXTURES / "react"
GOLDEN = np.load(REACT / "train.npz")
FACTS = json.loads((REACT / "train.json").read_text())
STEPS = 6
IMAGES = value("react_train/image", (8, 3, 32, 32))


def recipe_of(case: str) -> ReactRecipe:
    stated = FACTS[case]["recipe"]
    mode = "locked-text" if case == "locked_text" else "gated-image"
    recipe = ReactRecipe(mode, epochs=STEPS, batch_size=8, warm_up=stated["warmup"], rate=stated["lr"])
    assert (list(recipe.betas), recipe.epsilon, recipe.weight_decay, STEPS) == (
        *(stated[key] for key in ("betas", "eps", "wd")),
        stated["total_steps"],
    )
    return recipe


def model_of(case: str, folder: Path) -> nn.Module:
    name = "tiny_quickgelu_plain_clip" if case == "locked_text" else "tiny_quickgelu"
    state = state_dict(REACT / f"{name}.weights.json")
    if case.startswith("gated_closed"):
        state |= {key: torch.zeros_like(each) for key, each in state.items() if ".alpha_" in key}
    save_file({key: each.contiguous() for key, each in state.items()}, folder / "w.safetensors")
    config = layout(REACT / f"{name}.weights.json")["meta"]["config"]
    return filled_model(config, folder / "w.safetensors", construct=construct)[0]


def texts_of(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return unit(model.encode_text(torch.from_numpy(GOLDEN["tokens"])))


def started(case: str, folder: Path) -> tuple[Learner, Tensor]:
    model = model_of(case, folder)
    return Learner.start(model, recipe_of(case), Placement()), texts_of(model)


@pytest.mark.parametrize("case", sorted(FACTS))
def test_six_steps_of_the_authors_training(case: str, tmp_path: Path) -> None:
    facts, recipe = FACTS[case], recipe_of(case)
    learner, texts = started(case, tmp_path)
    before = {name: each.clone() for name, each in learner.model.state_dict().items()}
    assert learner.parameters.keys() == facts["delta_norm"].keys()
    decayed = {name for name, each in learner.parameters.items() if is_decayed(name, each.ndim)}
    assert decayed == set(facts["decay"])
    assert steps_of(recipe, 8) == STEPS
    alphas = facts.get("alpha_names", ())
    for step in range(STEPS):
        rate = learning_rate(step, STEPS, recipe)
        assert rate == pytest.approx(GOLDEN[f"{case}/lr"][step], rel=1e-9)
        loss = learner.step([lambda: IMAGES], texts, rate)
        assert loss == pytest.approx(GOLDEN[f"{case}/loss"][step], abs=1e-4)
        assert learner.scale.item() == pytest.approx(GOLDEN[f"{case}/logit_scale_after_step"][step], abs=1e-5)
        if step == 0:
            still = {name for name, each in learner.parameters.items() if not each.grad.any()}
            assert still == set(facts["zero_gradient_at_start"])
            for key in (key for key in GOLDEN if key.startswith(f"{case}/grad0/")):
                found = learner.parameters[key.removeprefix(f"{case}/grad0/")].grad
                assert float(found) == pytest.approx(float(GOLDEN[key]), abs=1e-5)
        for number, name in enumerate(alphas):
            wanted = GOLDEN[f"{case}/alpha_after_step"][step, number]
            assert learner.parameters[name].item() == pytest.approx(wanted, abs=1e-5)
    moved = {
        name: float((each - before[name]).norm())
        for name, each in learner.model.state_dict().items()
        if not torch.equal(each, before[name])
    }
    assert moved == pytest.approx(facts["delta_norm"], rel=1e-3)
    for key in (key for key in GOLDEN if key.startswith(f"{case}/after/")):
        found = learner.parameters[key.removeprefix(f"{case}/after/")].detach().numpy()
        assert np.abs(found - GOLDEN[key]).max() < 1e-4
    with torch.no_grad():
        features = unit(learner.model.encode_image(IMAGES)).numpy()
    assert np.abs(features - GOLDEN[f"{case}/image_features_norm_after"]).max() < 1e-4


@pytest.mark.parametrize("case", ["gated_open", "locked_text"])
def test_a_batch_in_parts_has_the_gradients_of_the_whole(case: str, tmp_path: Path) -> None:
    gradients = []
    for sizes in ([8], [3, 3, 2]):
        learner, texts = started(case, tmp_path)
        parts = [lambda part=part: part for part in torch.split(IMAGES, sizes)]
        loss = learner.step(parts, texts, 1e-3)
        gradients.append({"loss": torch.tensor(loss), **{k: p.grad for k, p in learner.parameters.items()}})
    whole, in_parts = gradients
    for name, wanted in whole.items():
        assert (in_parts[name] - wanted).abs().max() < 1e-5 * max(1, float(wanted.abs().max())), name


def test_a_learner_goes_on_where_another_stopped(tmp_path: Path) -> None:
    learner, texts = started("gated_open", tmp_path)
    for _ in range(2):
        learner.step([lambda: IMAGES], texts, 1e-3)
    kept = {name: each.clone() for name, each in learner.state().items()}
    rest, _ = started("gated_open", tmp_path)
    rest.go_on(kept)
    losses = [each.step([lambda: IMAGES], texts, 1e-3) for each in (learner, rest)]
    assert losses[0] == losses[1]
    wanted = learner.state()
    assert wanted.keys() == rest.state().keys()
    assert all(torch.equal(each, wanted[name]) for name, each in rest.state().items())


def test_the_scale_stays_between_one_and_a_hundred(tmp_path: Path) -> None:
    learner, texts = started("gated_open", tmp_path)
    for beyond, end in ((9.0, math.log(100)), (-9.0, 0.0)):
        learner.scale.data.fill_(beyond)
        learner.step([lambda: IMAGES], texts, 0.0)
        assert learner.scale.item() == pytest.approx(end)


def test_a_loss_that_is_no_number_is_refused(tmp_path: Path) -> None:
    learner, texts = started("gated_open", tmp_path)
    with pytest.raises(NotFinite, match="lower --rate"):
        learner.step([lambda: IMAGES * math.nan], texts, 1e-3)


def test_a_fit_that_ends_before_its_warm_up_is_refused() -> None:
    with pytest.raises(VlbenchError, match=r"1000 pairs in batches of 4096 make 32 steps .* lower --warm-up"):
        steps_of(ReactRecipe("gated-image"), 1000)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"epochs": 0}, "epochs is 0"), ({"mode": "x"}, "mode is 'x'"), ({"rate": -1.0}, "rate is -1.0")],
)
def test_a_recipe_that_means_nothing_is_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(VlbenchError, match=told):
        ReactRecipe(**{"mode": "gated-image", **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_fewer_digits_make_about_the_same_step_in_parts_too(precision: Precision, tmp_path: Path) -> None:
    found = []
    for sizes in ([8], [5, 3]):
        model = model_of("gated_open", tmp_path)
        learner = Learner.start(model, recipe_of("gated_open"), Placement("cpu", precision))
        texts = texts_of(model)
        for step in range(2):
            parts = [lambda part=part: part for part in torch.split(IMAGES, sizes)]
            loss = learner.step(parts, texts, float(GOLDEN["gated_open/lr"][step]))
            assert loss == pytest.approx(GOLDEN["gated_open/loss"][step], abs=0.03)
        assert all(each.dtype == torch.float32 for each in learner.parameters.values())
        found.append(learner.state())
        learner.go_on(found[-1])
        again = learner.state()
        assert again.keys() == found[-1].keys()
        assert all(torch.equal(again[name], each) for name, each in found[-1].items())
    for name in FACTS["gated_open"]["delta_norm"]:
        wanted, own = (each[f"parameter.{name}"] for each in found)
        assert (wanted - own).abs().max() < 2e-3, name
