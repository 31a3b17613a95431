"""REACT equals its authors' code on their fixtures, and its published layout key by key."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import FIXTURES, layout, state_dict, value
from safetensors.torch import save_file
from torch import Tensor, nn

from vlbench.core.contracts import Origin
from vlbench.core.errors import CardError, UnknownName, WeightsError
from vlbench.models.clip.network import filled_model
from vlbench.models.react.checkpoint import react
from vlbench.models.react.network import construct, gated

REACT = FIXTURES / "react"
TINY = ("tiny_quickgelu", "tiny_gelu_mlp4.9231", "tiny_quickgelu_plain_clip")
LAYOUTS = json.loads((REACT / "configs_and_layouts.json").read_text())
PUBLISHED = {
    "arch": "ViT-B-32",
    "repository": "react-vl/react-in1k",
    "file": "clip-vit-base-32-gated-image.pt",
    "quick_gelu": True,
}

fill = partial(filled_model, construct=construct)


def config_of(name: str) -> dict[str, object]:
    config: dict[str, object] = layout(REACT / f"{name}.weights.json")["meta"]["config"]
    return config


def saved(state: dict[str, Tensor], path: Path) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    return path


def check_fixture(model: nn.Module, name: str, size: int) -> None:
    golden = np.load(REACT / f"{name}.npz")
    with torch.inference_mode():
        images = model.encode_image(value("input/image", (2, 3, size, size)))
        texts = model.encode_text(torch.from_numpy(golden["tokens"]))
        logits = model.logit_scale.exp() * nn.functional.normalize(images) @ nn.functional.normalize(texts).T
    assert np.abs(images.numpy() - golden["image_features"]).max() < 1e-4
    assert np.abs(texts.numpy() - golden["text_features"]).max() < 1e-4
    assert np.abs(logits.numpy() - golden["logits_per_image"]).max() < 1e-4


@pytest.mark.parametrize("name", TINY)
def test_the_authors_features_and_logits(name: str, tmp_path: Path) -> None:
    weights = saved(state_dict(REACT / f"{name}.weights.json"), tmp_path / "w.safetensors")
    check_fixture(fill(config_of(name), weights)[0], name, 32)


def test_closed_gates_give_the_tower_without_gates(tmp_path: Path) -> None:
    state = state_dict(REACT / "tiny_quickgelu.weights.json")
    closed = {key: torch.zeros_like(t) if ".alpha_" in key else t for key, t in state.items()}
    model, _ = fill(config_of("tiny_quickgelu"), saved(closed, tmp_path / "w.safetensors"))
    golden = np.load(REACT / "tiny_quickgelu.npz")
    with torch.inference_mode():
        images = model.encode_image(value("input/image", (2, 3, 32, 32)))
    assert np.abs(images.numpy() - golden["image_features_gates_closed"]).max() < 1e-4
    assert np.abs(images.numpy() - golden["image_features"]).max() > 0.1


def test_a_position_grid_is_resized_to_a_larger_image(tmp_path: Path) -> None:
    golden = np.load(REACT / "tiny_pos_embed_resize.npz")
    config = config_of("tiny_quickgelu")
    config["vision_cfg"]["image_size"] = 48  # type: ignore[index]
    weights = saved(state_dict(REACT / "tiny_quickgelu.weights.json"), tmp_path / "w.safetensors")
    model, _ = fill(config, weights)
    assert np.abs(model.visual.positional_embedding.numpy() - golden["positional_embedding_6x6"]).max() < 1e-5
    with torch.inference_mode():
        images = model.encode_image(value("input/image48", (2, 3, 48, 48)))
    assert np.abs(images.numpy() - golden["image_features_48"]).max() < 1e-4


@pytest.mark.slow
def test_the_full_size_as_its_authors_save_it(tmp_path: Path) -> None:
    """`state_dict` under a key of its own, every key behind `module.`; the card's own way to it."""
    name = "full_react_ViT-B-32-quickgelu"
    state = {f"module.{key}": tensor for key, tensor in state_dict(REACT / f"{name}.weights.json").items()}
    path = tmp_path / "clip-vit-base-32-gated-image.pt"
    torch.save({"epoch": 1, "state_dict": state}, path)
    checkpoint = react(Origin("react-b32", weights=path), **PUBLISHED, gated_layers=6)
    check_fixture(fill(checkpoint.recipe.config, path)[0], name, 224)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_every_published_layout_key_by_key(name: str) -> None:
    stated = LAYOUTS[name]
    with torch.device("meta"):
        own = {key: list(tensor.shape) for key, tensor in construct(stated["config"]).state_dict().items()}
    assert len(own) == stated["n_keys"]
    last, gates = stated["config"]["vision_cfg"]["layers"] - 1, stated["gated_blocks"]
    gated_blocks = {int(key.split(".")[3]) for key in own if ".gated_attn_block." in key}
    assert gated_blocks == set(gates)
    assert last in gates
    for part in ("keys_outside_blocks", "keys_visual_block_ungated_0", "keys_visual_block_gated_last"):
        assert dict(stated[part]).items() <= own.items()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "layers", "quick_gelu", "name"),
    [
        ("ViT-B-32", 6, False, "react_ViT-B-32"),
        ("ViT-B-32", 6, True, "react_ViT-B-32-quickgelu"),
        ("ViT-B-16", 6, False, "react_ViT-B-16"),
        ("ViT-L-14", 6, False, "react_ViT-L-14"),
        ("ViT-bigG-14", 12, False, "react_ViT-bigG-14"),
    ],
)
def test_open_clips_architectures_are_the_authors(
    arch: str, layers: int, quick_gelu: bool, name: str, tmp_path: Path
) -> None:
    (tmp_path / "w.pt").touch()
    settings = {**PUBLISHED, "arch": arch, "quick_gelu": quick_gelu, "gated_layers": layers}
    config = react(Origin("r", weights=tmp_path / "w.pt"), **settings).recipe.config
    with torch.device("meta"):
        own, stated = construct(config), construct(LAYOUTS[name]["config"])
    shapes = [{key: t.shape for key, t in model.state_dict().items()} for model in (own, stated)]
    assert shapes[0] == shapes[1]
    blocks = [model.visual.transformer.resblocks[-1] for model in (own, stated)]
    assert blocks[0].attn.num_heads == blocks[1].attn.num_heads == LAYOUTS[name]["vision_heads"]
    assert type(blocks[0].mlp.gelu).__name__ == LAYOUTS[name]["act"]
    assert type(blocks[0].gated_attn_block.mlp.gelu).__name__ == LAYOUTS[name]["act"]


@pytest.mark.slow
def test_missing_gates_and_gates_in_a_plain_card_are_refused_by_key(tmp_path: Path) -> None:
    plain = saved(
        state_dict(REACT / "tiny_quickgelu_plain_clip.weights.json"), tmp_path / "plain.safetensors"
    )
    with pytest.raises(
        WeightsError, match=r"lacks 28 keys: visual\.transformer\.resblocks\.2\.gated_attn_block"
    ):
        fill(config_of("tiny_quickgelu"), plain)
    gates = saved(state_dict(REACT / "tiny_quickgelu.weights.json"), tmp_path / "gated.safetensors")
    with pytest.raises(WeightsError, match=r"28 unexpected keys: .*gated_attn_block"):
        fill(config_of("tiny_quickgelu_plain_clip"), gates)


@pytest.mark.parametrize("vision", [{"layers": [1, 1, 1, 1], "width": 8, "image_size": 32}, {"layers": 2}])
def test_gates_want_a_transformer_of_enough_blocks(vision: dict[str, object]) -> None:
    plain = config_of("tiny_quickgelu_plain_clip")
    config = {**plain, "vision_cfg": {**plain["vision_cfg"], **vision}}  # type: ignore[dict-item]
    with pytest.raises(CardError, match="gated_layers is 3"):
        construct(gated(config, 3))


def test_settings_that_name_nothing_or_too_much_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="either arch, repository and file, or directory"):
        react(Origin("r"), arch="ViT-B-32")
    with pytest.raises(CardError, match="either arch, repository and file, or directory"):
        react(Origin("r", folder=tmp_path), **PUBLISHED, directory="tiny")
    with pytest.raises(UnknownName, match="did you mean"):
        react(Origin("r"), **{**PUBLISHED, "arch": "ViT-B-23"})


def test_gates_and_activation_are_part_of_the_identity(tmp_path: Path) -> None:
    saved({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    origin = Origin("r", weights=tmp_path / "w.safetensors")
    known = [
        react(origin, **{**PUBLISHED, **change}).identify().image
        for change in ({}, {"gated_layers": 6}, {"quick_gelu": False})
    ]
    assert len(set(known)) == 3


def test_a_fetched_file_of_another_digest_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved({"a": torch.zeros(1)}, tmp_path / "fetched.pt")
    monkeypatch.setattr("vlbench.models.clip.architectures.hub_file", lambda *_, **__: path)
    with pytest.raises(WeightsError, match=r"its SHA-256 begins .* that of react-vl/react-in1k's"):
        react(Origin("react-b32"), **PUBLISHED, sha256="0" * 64).identify()
