"""open_clip models from files: equal to open_clip's own loading, or refused by name."""

import json
from copy import deepcopy
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.factory import load_checkpoint
from safetensors.torch import save_file
from torch import Tensor, nn

from vlbench.core.errors import Unsupported, WeightsError
from vlbench.models.clip import network as clip_network
from vlbench.models.clip.architectures import architecture_config
from vlbench.models.clip.network import filled_model

SMALL_VIT = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
SMALL_TEXT = {"context_length": 16, "vocab_size": 100, "width": 32, "heads": 2, "layers": 2}
CONFIGS: dict[str, dict[str, object]] = {
    "vit": {"embed_dim": 16, "vision_cfg": SMALL_VIT, "text_cfg": SMALL_TEXT},
    "resnet": {
        "embed_dim": 16,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 12},
        "text_cfg": SMALL_TEXT,
    },
    "coca": {
        "embed_dim": 32,
        "vision_cfg": {**SMALL_VIT, "attentional_pool": True, "output_tokens": True},
        "text_cfg": {**SMALL_TEXT, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": SMALL_TEXT,
        "custom_text": True,
    },
    "siglip": {
        "embed_dim": 192,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": 224,
            "timm_model_name": "vit_tiny_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": {**SMALL_TEXT, "no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
    },
    "rope": {  # buffers that no skeleton can have: the ordinary construction
        "embed_dim": 32,
        "vision_cfg": {
            "image_size": 224,
            "timm_model_name": "eva02_tiny_patch14_224",
            "timm_model_pretrained": False,
            "timm_pool": "token",
            "timm_proj": "linear",
        },
        "text_cfg": SMALL_TEXT,
    },
}
FULL = ("ViT-B-32", "RN50", "coca_ViT-B-32", "ViT-B-16-SigLIP", "convnext_base")


def built(config: dict[str, object]) -> nn.Module:
    """open_clip's own construction, through its folder layout; all parameters are drawn once, at its end."""
    torch.manual_seed(1)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_", "trunc_normal_"):
            patch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
        patch.setattr("timm.layers.weight_init._trunc_normal_", lambda tensor, *_: tensor)
        model: nn.Module = clip_network.constructed(deepcopy(config))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.05)
    return model.eval().requires_grad_(False)  # gradients choose other kernels


def saved(model: nn.Module, path: Path) -> Path:
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    return path


def outputs(model: nn.Module, config: dict[str, object]) -> tuple[Tensor, Tensor]:
    size = config["vision_cfg"]["image_size"]  # type: ignore[index]
    context = config["text_cfg"]["context_length"]  # type: ignore[index]
    torch.manual_seed(2)
    tokens = torch.randint(1, 99, (2, context))
    with torch.inference_mode():
        return model.encode_image(torch.randn(2, 3, size, size)), model.encode_text(tokens)


@pytest.mark.parametrize("name", [*CONFIGS, *(pytest.param(name, marks=pytest.mark.slow) for name in FULL)])
def test_a_model_from_a_file_equals_the_one_that_was_saved(tmp_path: Path, name: str) -> None:
    config = CONFIGS[name] if name in CONFIGS else dict(architecture_config(name))
    model = built(config)
    path = saved(model, tmp_path / "w.safetensors")
    loaded, _ = filled_model(config, path)
    assert not any(tensor.is_meta for tensor in (*loaded.parameters(), *loaded.buffers()))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for one, other in zip(outputs(model, config), outputs(loaded, config), strict=True):
        # older releases of torch round by where in memory the weights lie
        assert torch.allclose(one, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["vit", "coca"])
def test_masks_are_open_clips(tmp_path: Path, name: str) -> None:
    model = built(CONFIGS[name])
    loaded, _ = filled_model(CONFIGS[name], saved(model, tmp_path / "w.safetensors"))
    masks = {key: value for key, value in model.named_buffers() if key.endswith("attn_mask")}
    assert masks
    assert all(torch.equal(value, loaded.get_buffer(key)) for key, value in masks.items())


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    model = built(CONFIGS["vit"])
    torch.save({key: value.half() for key, value in model.state_dict().items()}, tmp_path / "w.pt")
    loaded, _ = filled_model(CONFIGS["vit"], tmp_path / "w.pt")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded.visual.proj, model.visual.proj.half().float())


@pytest.mark.parametrize(
    "changed", [{"vision_cfg": {"image_size": 48}}, {"text_cfg": {"context_length": 24}}]
)
def test_positions_are_resampled_as_open_clip_does(
    tmp_path: Path, changed: dict[str, dict[str, object]]
) -> None:
    config = deepcopy(CONFIGS["vit"])
    path = saved(built(config), tmp_path / "w.safetensors")
    for side, values in changed.items():
        config[side] = {**config[side], **values}  # type: ignore[dict-item]
    expected = built(config)
    load_checkpoint(expected, str(path))
    for one, other in zip(
        outputs(expected, config), outputs(filled_model(config, path)[0], config), strict=True
    ):
        assert torch.equal(one, other)


def test_the_old_layout_fills_a_custom_text_model(tmp_path: Path) -> None:
    """open_clip moved the text tower under `text.`; weights of before still fit."""
    plain = built(CONFIGS["vit"])
    config = {**CONFIGS["vit"], "custom_text": True}
    loaded, _ = filled_model(config, saved(plain, tmp_path / "w.safetensors"))
    assert isinstance(loaded, open_clip.CustomTextCLIP)
    for one, other in zip(outputs(plain, config), outputs(loaded, config), strict=True):
        assert torch.equal(one, other)


def test_a_bias_that_the_weights_lack_is_zero_and_a_scale_of_another_shape_fits(tmp_path: Path) -> None:
    state = built(CONFIGS["vit"]).state_dict()
    state["logit_scale"] = state["logit_scale"].reshape(1)
    save_file(state, tmp_path / "w.safetensors")
    loaded, _ = filled_model({**CONFIGS["vit"], "init_logit_bias": -10}, tmp_path / "w.safetensors")
    assert loaded.logit_bias.shape == ()
    assert loaded.logit_bias == 0


def test_missing_and_unexpected_keys_are_named_and_counted(tmp_path: Path) -> None:
    state = built(CONFIGS["vit"]).state_dict()
    gone = [key for key in state if key.startswith("transformer.resblocks.1.")]
    for key in gone:
        del state[key]
    state["decoder.weight"] = torch.zeros(1)
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError) as caught:
        filled_model(CONFIGS["vit"], tmp_path / "w.safetensors")
    message = str(caught.value)
    assert f"lacks {len(gone)} keys: {', '.join(gone[:5])} and {len(gone) - 5} more" in message
    assert "has 1 unexpected keys: decoder.weight;" in message
    assert "\n" not in message


def test_keys_that_a_card_lists_are_left_out(tmp_path: Path) -> None:
    model = built(CONFIGS["vit"])
    extra = {
        "decoder.weight": torch.zeros(1),
        "vocab_size": torch.tensor(100),
        "a.position_ids": torch.zeros(1),
    }
    save_file({**model.state_dict(), **extra}, tmp_path / "w.safetensors")
    loaded, _ = filled_model(CONFIGS["vit"], tmp_path / "w.safetensors", ["decoder.*"])
    assert loaded.state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize("key", ["visual.proj", "positional_embedding", "visual.positional_embedding"])
def test_wrong_shapes_are_named(tmp_path: Path, key: str) -> None:
    state = built(CONFIGS["vit"]).state_dict()
    state[key] = torch.zeros(state[key].shape[0], 31)
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=rf"{key} \({state[key].shape[0]}, 31\) instead of"):
        filled_model(CONFIGS["vit"], tmp_path / "w.safetensors")


def test_positions_that_are_no_square_grid_are_refused(tmp_path: Path) -> None:
    state = built(CONFIGS["vit"]).state_dict()
    state["visual.positional_embedding"] = torch.zeros(8, 32)
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="position embeddings fit no grid"):
        filled_model(CONFIGS["vit"], tmp_path / "w.safetensors")


def test_a_configuration_that_open_clip_does_not_take(tmp_path: Path) -> None:
    path = saved(built(CONFIGS["vit"]), tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"model_cfg: .*'depth'"):
        filled_model({**CONFIGS["vit"], "vision_cfg": {**SMALL_VIT, "depth": 3}}, path)
    with pytest.raises(Unsupported, match="no_such_tower"):
        filled_model({**CONFIGS["vit"], "vision_cfg": {"timm_model_name": "no_such_tower"}}, path)


def test_a_tower_of_transformers_asks_for_that_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlbench.models.shared.recipe.find_spec", lambda name: None)
    path = saved(built(CONFIGS["vit"]), tmp_path / "w.safetensors")
    with pytest.raises(Unsupported, match="pip install transformers"):
        filled_model(architecture_config("roberta-ViT-B-32"), path)


def test_big_vision_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "w.npz", a=np.zeros(2))
    with pytest.raises(WeightsError, match="no big_vision weights"):
        filled_model(CONFIGS["siglip"], tmp_path / "w.npz")


def test_every_configuration_of_open_clip_is_read() -> None:
    from vlbench.models.clip.architectures import architecture_names

    assert set(architecture_names()) == set(open_clip.list_models())
    for name in architecture_names():
        assert json.loads(json.dumps(architecture_config(name))) == open_clip.get_model_config(name)
