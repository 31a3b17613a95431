"""Cards of open_clip's checkpoints against its registry, its configurations and the collected facts."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from every_card import assert_each
from open_clip.pretrained import get_pretrained_cfg, list_pretrained
from parity_weights import FIXTURES

from vlbench.cards.build import open_model
from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.schema import ModelCard
from vlbench.core.errors import WeightsError
from vlbench.models.clip.architectures import architecture_config
from vlbench.models.clip.checkpoint import ClipCheckpoint
from vlbench.models.clip.network import constructed
from vlbench.models.shared.recipe import Recipe, section

pytestmark = pytest.mark.cards

FACTS: Mapping[str, Mapping[str, Any]] = json.loads((FIXTURES / "facts" / "models.json").read_text())
CATALOGUE = read_catalogue()
WITHOUT_CARD = {"bmc-clip", "clip-moe-4-2-recap", "clip-moe-4-2-sharegpt4v", "mobileclip-s0"}
"""A repository that nobody saw, and networks whose code open_clip lacks."""

SLIPS = {"vitamin-xl-384": 384}
"""Image sizes that open_clip's configuration has wrong."""


def name_of(fact: str) -> str:
    return fact if fact in CATALOGUE.models else CATALOGUE.stands_for("model")[fact][0]


CARDS: dict[str, ModelCard] = {
    fact: parse_card(CATALOGUE.models[name_of(fact)].path, ModelCard)
    for fact in FACTS
    if fact not in WITHOUT_CARD
}
REGISTERED = sorted(fact for fact in CARDS if "pretrained" in FACTS[fact])
NEED_A_FETCHED_CONFIGURATION = ("roberta", "nllb")


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Recipe]:
    """The recipe of every registered card, its weights an empty file."""
    file = tmp_path_factory.mktemp("weights") / "w.pt"
    file.write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vlbench.models.clip.architectures.hub_file", lambda repository, names, **_: file)
        return {fact: opened(fact).recipe for fact in REGISTERED}


def opened(fact: str) -> ClipCheckpoint:
    found = open_model(name_of(fact), CATALOGUE).checkpoint
    assert isinstance(found, ClipCheckpoint)
    return found


def test_every_fact_has_a_card_but_those_that_cannot_run() -> None:
    assert len(FACTS) == 183
    assert WITHOUT_CARD < FACTS.keys()
    assert not WITHOUT_CARD & CATALOGUE.models.keys()
    assert len({name_of(fact) for fact in CARDS}) == 179


def test_tags_and_repositories_are_the_registrys() -> None:
    known = set(list_pretrained())

    def check(fact: str) -> None:
        card, said = CARDS[fact], FACTS[fact]
        assert (card.settings["arch"], card.settings["pretrained"]) in known
        assert (card.settings["arch"], card.settings["pretrained"]) == (said["arch"], said["pretrained"])
        stated = get_pretrained_cfg(said["arch"], said["pretrained"])["hf_hub"]
        assert card.weights is not None
        assert card.weights.repo == said["repo"] == "/".join(stated.split("/")[:2])

    assert_each(check, REGISTERED)


def test_preprocessing_sizes_and_activations_are_those_of_the_facts(recipes: Mapping[str, Recipe]) -> None:
    def check(fact: str) -> None:
        recipe, said = recipes[fact], FACTS[fact]
        found, size = recipe.preprocessing, SLIPS.get(fact, said["image_size"])
        assert found.size == (size, size)
        assert CARDS[fact].image_size == size
        assert list(found.mean) == said["mean"]
        assert list(found.std) == said["std"]
        assert (found.interpolation, found.resize_mode) == (said["interpolation"], said["resize_mode"])
        assert bool(recipe.config.get("quick_gelu")) is said["quick_gelu"]
        assert recipe.config["embed_dim"] == said.get("embed_dim", recipe.config["embed_dim"])
        context = section(recipe.config, "text_cfg").get("context_length", 77)
        assert context == said.get("context_length", context)

    assert_each(check, REGISTERED)
    assert sum(FACTS[fact]["resize_mode"] == "squash" for fact in REGISTERED) == 46


def test_figures_of_the_cards_are_those_of_the_facts() -> None:
    def check(fact: str) -> None:
        card, said = CARDS[fact], FACTS[fact]
        assert card.parameters == said.get("params_m", card.parameters)
        assert card.gflops == said.get("image_gflops", card.gflops)
        if "sha256" in said and card.weights is not None and fact != "clip-b32-laion400m":
            assert card.weights.sha256 == said["sha256"]
            assert card.settings.get("sha256", said["sha256"]) == said["sha256"]

    assert_each(check, CARDS)


@cache
def parameters_of(arch: str, context: int | None, image_size: int | None) -> float:
    """Millions of parameters of an architecture, with another context or image size where stated."""
    config = dict(architecture_config(arch))
    if context is not None:
        config["text_cfg"] = {**section(config, "text_cfg"), "context_length": context}
    if image_size is not None:
        config["vision_cfg"] = {**section(config, "vision_cfg"), "image_size": image_size}
    with torch.device("meta"):
        return round(sum(each.numel() for each in constructed(config).parameters()) / 1e6, 2)


def test_parameters_are_those_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    # what weights begin with takes most of the time, also on the meta device
    monkeypatch.setattr("timm.layers.weight_init._trunc_normal_", lambda tensor, *_: tensor)

    def check(fact: str) -> None:
        card = CARDS[fact]
        context = 248 if card.adapter == "long_clip" else None
        size = card.image_size if "image_size" in card.settings else None
        assert card.parameters == parameters_of(str(card.settings["arch"]), context, size)

    built = [
        fact
        for fact, card in CARDS.items()
        if card.adapter in ("clip", "long_clip")
        and not any(each in str(card.settings["arch"]) for each in NEED_A_FETCHED_CONFIGURATION)
    ]
    assert_each(check, built)


def test_files_on_the_hub_are_asked_for_by_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def fetch(repository: str, names: tuple[str, ...], **_: object) -> Path:
        asked.append((repository, names[0]))
        path = tmp_path / "w.pt"
        path.write_bytes(b"")
        return path

    monkeypatch.setattr("vlbench.models.clip.architectures.hub_file", fetch)
    made = opened("georsclip-b32").recipe
    assert asked == [("Zilun/GeoRSCLIP", "ckpt/RS5M_ViT-B-32.pt")]
    assert made.config["quick_gelu"] is True
    assert made.preprocessing.size == (224, 224)
    quilt = opened("quiltnet-b32")
    assert quilt.adapter == "hf-hub"
    with pytest.raises(WeightsError, match="not JSON"):
        assert quilt.recipe
    assert asked[1:] == [("wisdomik/QuiltNet-B-32", "open_clip_config.json")]


def test_what_a_model_was_trained_on() -> None:
    said = {fact: set(card.trained_on or ()) for fact, card in CARDS.items()}
    assert all({"imagenet", "WIT-400M"} == said[fact] for fact in said if fact.startswith("coop-"))
    assert {"coco"} < said["coca-b-32-mscoco-ft"] == said["coca-l-14-mscoco-ft"]
    assert "coco" not in said["coca-b-32"]
    assert {"rsicd", "rsitmd", "ucm_captions"} < said["remoteclip-l14"]
    react = [fact for fact in said if fact.startswith("react-")]
    assert len(react) == 13
    for fact in react:
        assert said[fact]
        assert "imagenet" not in said[fact]
        assert "none of its images" in CARDS[fact].about
    counts = [name for names in said.values() for name in names]
    alone = {name for name in counts if counts.count(name) == 1}  # a misspelt name would stand here
    assert alone == {"datacomp-large", "datacomp-medium", "datacomp-small"}


def test_weights_of_ones_own_are_wanted_where_no_repository_has_them() -> None:
    for fact in ("skyclip-l14", "skyclip-l14-top30pct", "skyclip-b32"):
        assert CARDS[fact].settings.keys() == {"arch"}
        assert "--weights" in CARDS[fact].about
