"""Google's own .npz files: all that lies there is read, or refused by name."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlbench.core.errors import WeightsError
from vlbench.models.clip.network import constructed, filled_model

WIDTH, HEADS = 192, 3
CONFIG = {
    "embed_dim": WIDTH,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {
        "image_size": 224,
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
    },
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 100,
        "width": 64,
        "heads": 2,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
    },
}
Arrays = dict[str, NDArray[np.float32]]


def kernel(weight: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(weight.detach().numpy().T)


def attention(prefix: str, weights: Tensor, biases: Tensor, heads: int, names: tuple[str, ...]) -> Arrays:
    """Queries, keys and values [n * w, w], each as big_vision's [w, heads, w / heads]."""
    found: Arrays = {}
    for name, weight, bias in zip(names, weights.chunk(len(names)), biases.chunk(len(names)), strict=True):
        found[f"{prefix}{name}/kernel"] = kernel(weight).reshape(weight.shape[1], heads, -1)
        found[f"{prefix}{name}/bias"] = bias.detach().numpy().reshape(heads, -1)
    return found


def linear(prefix: str, layer: Any) -> Arrays:
    return {f"{prefix}/kernel": kernel(layer.weight), f"{prefix}/bias": layer.bias.detach().numpy()}


def norm(prefix: str, layer: Any) -> Arrays:
    return {f"{prefix}/scale": layer.weight.detach().numpy(), f"{prefix}/bias": layer.bias.detach().numpy()}


def out(prefix: str, layer: Any, heads: int) -> Arrays:
    found = linear(prefix, layer)
    found[f"{prefix}/kernel"] = found[f"{prefix}/kernel"].reshape(heads, -1, layer.weight.shape[0])
    return found


def big_vision(model: Any) -> Arrays:
    """The arrays of a model by the names that Google gives them (open_clip/convert.py reads them)."""
    trunk, text = model.visual.trunk, model.text
    arrays: Arrays = {
        "img/embedding/kernel": trunk.patch_embed.proj.weight.detach().permute(2, 3, 1, 0).numpy(),
        "img/embedding/bias": trunk.patch_embed.proj.bias.detach().numpy(),
        "img/cls": trunk.cls_token.detach().numpy(),
        "img/pos_embedding": trunk.pos_embed.detach().numpy(),
        "txt/Embed_0/embedding": text.token_embedding.weight.detach().numpy(),
        "txt/pos_embedding": text.positional_embedding.detach().numpy()[None],
        "b": model.logit_bias.detach().numpy()[None],
        "t": model.logit_scale.detach().numpy()[None],
    }
    three = ("query", "key", "value")
    for i, block in enumerate(trunk.blocks):
        at = f"img/Transformer/encoderblock_{i}/"
        heads = at + "MultiHeadDotProductAttention_0/"
        arrays |= norm(at + "LayerNorm_0", block.norm1) | norm(at + "LayerNorm_1", block.norm2)
        arrays |= attention(heads, block.attn.qkv.weight, block.attn.qkv.bias, HEADS, three)
        arrays |= out(heads + "out", block.attn.proj, HEADS)
        arrays |= linear(at + "MlpBlock_0/Dense_0", block.mlp.fc1) | linear(
            at + "MlpBlock_0/Dense_1", block.mlp.fc2
        )
    pool, at = trunk.attn_pool, "img/MAPHead_0/"
    heads = at + "MultiHeadDotProductAttention_0/"
    arrays[at + "probe"] = pool.latent.detach().numpy()
    arrays |= attention(heads, pool.q.weight, pool.q.bias, HEADS, three[:1])
    arrays |= attention(heads, pool.kv.weight, pool.kv.bias, HEADS, three[1:])
    arrays |= out(heads + "out", pool.proj, HEADS) | norm(at + "LayerNorm_0", pool.norm)
    arrays |= linear(at + "MlpBlock_0/Dense_0", pool.mlp.fc1) | linear(
        at + "MlpBlock_0/Dense_1", pool.mlp.fc2
    )
    arrays |= norm("img/Transformer/encoder_norm", trunk.norm)
    for i, block in enumerate(text.transformer.resblocks):
        at = f"txt/Encoder_0/encoderblock_{i}/"
        heads = at + "MultiHeadDotProductAttention_0/"
        arrays |= norm(at + "LayerNorm_0", block.ln_1) | norm(at + "LayerNorm_1", block.ln_2)
        arrays |= attention(heads, block.attn.in_proj_weight, block.attn.in_proj_bias, 2, three)
        arrays |= out(heads + "out", block.attn.out_proj, 2)
        arrays |= linear(at + "MlpBlock_0/Dense_0", block.mlp.c_fc) | linear(
            at + "MlpBlock_0/Dense_1", block.mlp.c_proj
        )
    arrays |= norm("txt/Encoder_0/encoder_norm", text.ln_final)
    return arrays | linear("txt/head", text.text_projection)


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    made = constructed(deepcopy(CONFIG))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return made.eval()


@pytest.mark.slow
@pytest.mark.parametrize("root", ["", "params/"])
def test_every_array_of_a_file_is_read(model: torch.nn.Module, tmp_path: Path, root: str) -> None:
    np.savez(tmp_path / "w.npz", **{root + name: value for name, value in big_vision(model).items()})
    loaded, said = filled_model(deepcopy(CONFIG), tmp_path / "w.npz")
    assert said == ()
    own = dict(model.named_parameters())
    assert all(torch.equal(value, own[name]) for name, value in loaded.named_parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"img/adapter/kernel": np.ones((2, 2), np.float32)}, "has 1 unexpected arrays: img/adapter/kernel"),
        (
            {"img/Transformer/encoderblock_12/LayerNorm_0/scale": np.ones(WIDTH, np.float32)},
            "this architecture takes",
        ),
        ({"t": np.full(1, np.nan, np.float32)}, "NaN or infinity in 1 tensors: logit_scale"),
    ],
)
def test_what_would_be_left_out_or_is_no_number_is_refused(
    model: torch.nn.Module, tmp_path: Path, more: Arrays, message: str
) -> None:
    np.savez(tmp_path / "w.npz", **{**big_vision(model), **more})
    with pytest.raises(WeightsError, match=message):
        filled_model(deepcopy(CONFIG), tmp_path / "w.npz")
