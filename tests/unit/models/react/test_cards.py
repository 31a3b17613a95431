"""The 13 published REACT checkpoints: their cards say what their authors' code and files say."""

import json
import re
from pathlib import Path

import pytest
import torch
from every_card import assert_each
from parity_weights import FIXTURES
from safetensors.torch import load_file

from vlbench.cards.build import open_model
from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.cards.published import published_of
from vlbench.cards.schema import ModelCard
from vlbench.core.contracts import Placement
from vlbench.models.clip.architectures import architecture_config
from vlbench.models.react.network import construct, gated

pytestmark = pytest.mark.cards

FACTS = json.loads((FIXTURES / "react" / "facts.json").read_text())
PUBLISHED = {file: (config, tag) for config, tag, file in FACTS["pretrained"]}
CARDS: dict[str, ModelCard] = {
    path.stem: read_card(path, ModelCard).card
    for path in sorted((built_in_folder() / FOLDERS["model"]).glob("react-*.yaml"))
}
QUICK_GELU_TAG = "react_clip_"
"""The authors' code runs QuickGELU where a tag begins so, and the configuration's GELU elsewhere."""

SMALL = ("react-b32", "react-b16", "react-l14", "react-b32-locked")


def gates_of(card: ModelCard) -> int:
    layers = card.settings.get("gated_layers", 0)
    assert isinstance(layers, int)
    return layers


def published_as(card: ModelCard) -> tuple[str, str]:
    """The authors' configuration and tag."""
    return PUBLISHED[str(card.settings["file"])]


def test_every_published_file_has_one_card() -> None:
    assert sorted(str(card.settings["file"]) for card in CARDS.values()) == sorted(PUBLISHED)
    assert len(CARDS) == 13
    assert sum(gates_of(card) > 0 for card in CARDS.values()) == 9


def check_settings(name: str) -> None:
    card = CARDS[name]
    config, tag = published_as(card)
    arch = str(card.settings["arch"])
    assert config in (f"react_{arch}", f"{arch} (no gates, locked text)")
    assert bool(gates_of(card)) is config.startswith("react_")
    layouts = json.loads((FIXTURES / "react" / "configs_and_layouts.json").read_text())
    assert gates_of(card) == len(layouts.get(config, {"gated_blocks": ()})["gated_blocks"])
    assert card.settings["quick_gelu"] is tag.startswith(QUICK_GELU_TAG)
    grey = f"{config} + {tag}" in FACTS["mean_std_0.5_only_for"]
    halves = [0.5] * 3 if grey else None
    assert card.settings.get("mean") == card.settings.get("std") == halves
    assert card.settings["repository"] == FACTS["hf_repo"]


def test_settings_are_those_of_the_authors_code() -> None:
    assert_each(check_settings, CARDS)


def check_weights(name: str) -> None:
    card = CARDS[name]
    weights = card.weights
    assert weights is not None
    assert (weights.repo, weights.file, weights.sha256) == tuple(
        card.settings.get(key) for key in ("repository", "file", "sha256")
    )
    assert weights.size_mb == pytest.approx(2 * (card.parameters or 0), rel=0.005)  # float16
    (score,) = published_of(model=name)
    assert (score.task, score.metric, score.differs) == ("imagenet@elevater", "acc1", "")
    figure = FACTS["published_imagenet_top1"][Path(str(weights.file)).stem]
    assert 100 * score.value == pytest.approx(figure)
    assert "MIT" in card.about


def test_facts_of_the_weights_are_those_of_the_settings() -> None:
    assert_each(check_weights, CARDS)


def check_parameters(name: str) -> None:
    card = CARDS[name]
    with torch.device("meta"):
        model = construct(gated(architecture_config(str(card.settings["arch"])), gates_of(card)))
    assert card.parameters == round(sum(each.numel() for each in model.parameters()) / 1e6, 2)


def test_parameters_are_those_of_the_network() -> None:
    assert_each(check_parameters, CARDS)


def test_the_open_question_of_an_activation_is_stated() -> None:
    asked = {name: card for name, card in CARDS.items() if "QuickGELU" in card.about}
    assert {published_as(card)[1] for card in asked.values()} == {"react_openclip_laion400m_ret_laion400m"}
    figures = {re.findall(r"published (\d\d\.\d)", card.about)[0] for card in asked.values()}
    assert figures == {"66.4", "65.7"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_file_of_the_published_layout_loads_by_the_card(name: str, tmp_path: Path) -> None:
    """As the authors save it: float16, every key behind `module.`, under `state_dict`."""
    card = CARDS[name]
    with torch.device("meta"):
        layout = construct(gated(architecture_config(str(card.settings["arch"])), gates_of(card)))
    # a number of its own for every key: a tensor in another's place is seen
    state = {
        f"module.{key}": torch.full(tensor.shape, index / 4096, dtype=torch.float16)
        for index, (key, tensor) in enumerate(layout.state_dict().items())
    }
    path = tmp_path / str(card.settings["file"])
    torch.save({"epoch": 32, "state_dict": state}, path)
    opened = open_model(name, read_catalogue(), weights=path).checkpoint
    model = opened.load(Placement())
    assert model.info.parameters == pytest.approx(1e6 * (card.parameters or 0), abs=5000)
    network = model.image_tower.__self__  # type: ignore[attr-defined]
    for key, tensor in network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert tensor.flatten()[0] == state[f"module.{key}"].flatten()[0].float(), key


def test_tiny_react_has_tiny_clips_text_tower_to_the_bit() -> None:
    folder = Path(__file__).parents[4] / "model_cards"
    base, tuned = (
        load_file(folder / name / "open_clip_model.safetensors") for name in ("tiny-clip", "tiny-react")
    )
    text = [key for key in base if not key.startswith("visual.")]
    assert len(text) == 30
    assert all(torch.equal(base[key], tuned[key]) for key in text)
    gates = [value for key, value in tuned.items() if ".alpha_" in key]
    assert len(gates) == 4
    assert all(float(gate.abs()) > 0.1 for gate in gates)
