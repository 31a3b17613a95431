"""REACT's gated blocks: a second attention and MLP before each of the last layers of an image tower."""

from typing import cast

import torch
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn

from vlbench.core.errors import CardError


class GatedAttentionBlock(nn.Module):
    """A transformer block whose two branches are gated by the tanh of a learned number that starts at 0.

    Its MLP is four times as wide as its input, whatever the MLP ratio of the tower (as in the authors' code;
    it matters for bigG). Liu et al. 2023, Learning Customized Visual Models with Retrieval-Augmented
    Knowledge, section 3.2.
    """

    def __init__(self, width: int, heads: int, *, activation: type[nn.Module]) -> None:
        super().__init__()
        plain = ResidualAttentionBlock(width, heads, act_layer=activation)
        self.ln_1, self.attn, self.ln_2, self.mlp = plain.ln_1, plain.attn, plain.ln_2, plain.mlp
        self.alpha_attn = nn.Parameter(torch.zeros(()))
        self.alpha_dense = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens [b, t, w] to tokens of the same shape."""
        normed = self.ln_1(x)
        x = x + self.alpha_attn.tanh() * self.attn(normed, normed, normed, need_weights=False)[0]
        gated: Tensor = x + self.alpha_dense.tanh() * self.mlp(self.ln_2(x))
        return gated


def add_gates(model: nn.Module, layers: int) -> None:
    """Put a gated block before each of the last `layers` blocks of an open_clip image transformer.

    Raises:
        CardError: the image tower is not open_clip's own transformer, or has fewer blocks.
    """
    blocks = getattr(getattr(getattr(model, "visual", None), "transformer", None), "resblocks", None)
    if not isinstance(blocks, nn.ModuleList) or len(blocks) < layers:
        had = f"{len(blocks)} blocks" if isinstance(blocks, nn.ModuleList) else "no transformer of open_clip"
        raise CardError(f"gated_layers is {layers}, but this architecture's image tower has {had}")
    for block in list(blocks)[len(blocks) - layers :]:
        attention = cast(nn.MultiheadAttention, block.attn)
        activation = type(cast(nn.Sequential, block.mlp).get_submodule("gelu"))
        gated = GatedAttentionBlock(attention.embed_dim, attention.num_heads, activation=activation)
        block.add_module("gated_attn_block", gated)
        block.register_forward_pre_hook(_gate_first)


def _gate_first(block: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (cast(GatedAttentionBlock, block.gated_attn_block)(inputs[0]),)
