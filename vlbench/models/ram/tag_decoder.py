"""The decoder in which tags attend to an image's tokens: cross-attention only, no tag sees another.

It is Query2Label's decoder as in RAM and Tag2Text: post-norm BERT layers without self-attention
(recognize-anything, ram/models/bert.py). Attributes have the names of the authors' keys.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from vlbench.models.ram.sizes import TaggerSize

_EPSILON = 1e-12
"""The epsilon of the decoder's layer norms; the image side has PyTorch's 1e-5."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The keys and values [b, heads, t, w] of some images in one layer."""

    keys: Tensor
    values: Tensor


class CrossAttention(nn.Module):
    """Multi-head attention of tags to tokens, with output projection, residual and norm."""

    def __init__(self, size: TaggerSize, memory_width: int) -> None:
        super().__init__()
        self.heads = size.decoder_heads
        projections = {
            "query": nn.Linear(size.hidden, size.hidden),
            "key": nn.Linear(memory_width, size.hidden),
            "value": nn.Linear(memory_width, size.hidden),
        }
        self.add_module("self", nn.ModuleDict(projections))
        self.output = _residual(size.hidden, size.hidden)

    def remember(self, tokens: Tensor) -> Memory:
        """The keys and values of tokens [b, t, c], which are the same for every tag."""
        own = self.get_submodule("self")
        return Memory(*(self._split(own[name](tokens)) for name in ("key", "value")))  # type: ignore[index]

    def forward(self, tags: Tensor, memory: Memory) -> Tensor:
        """States [b, n, h] of tags [b, n, h], or [1, n, h] if they are the same for all images."""
        query = self._split(self.get_submodule("self.query")(tags))  # [b, heads, n, w]
        query = query.expand(len(memory.keys), -1, -1, -1)
        found = scaled_dot_product_attention(query, memory.keys, memory.values)
        merged = found.transpose(1, 2).flatten(2)  # [b, n, h]
        return _added(self.output, merged, tags)

    def _split(self, states: Tensor) -> Tensor:
        return states.view(*states.shape[:-1], self.heads, -1).transpose(1, 2)


class DecoderLayer(nn.Module):
    """Cross-attention, then two linear layers with an exact GELU in between."""

    def __init__(self, size: TaggerSize, memory_width: int) -> None:
        super().__init__()
        self.crossattention = CrossAttention(size, memory_width)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(size.hidden, size.intermediate)})
        self.output = _residual(size.intermediate, size.hidden)

    def forward(self, tags: Tensor, memory: Memory) -> Tensor:
        """States [b, n, h] of tags [b or 1, n, h]."""
        attended = self.crossattention(tags, memory)
        return _added(self.output, gelu(self.intermediate["dense"](attended)), attended)


class TagDecoder(nn.Module):
    """All layers. Call `remember` once for some images, then `forward` for any tags."""

    def __init__(self, size: TaggerSize, memory_width: int) -> None:
        super().__init__()
        layers = [DecoderLayer(size, memory_width) for _ in range(size.decoder_layers)]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def remember(self, tokens: Tensor) -> tuple[Memory, ...]:
        """The keys and values of tokens [b, t, c] in each layer."""
        return tuple(layer.crossattention.remember(tokens) for layer in self._layers)

    def forward(self, tags: Tensor, memory: tuple[Memory, ...]) -> Tensor:
        """States [b, n, h] of tags [b or 1, n, h]."""
        for layer, own in zip(self._layers, memory, strict=True):
            tags = layer(tags, own)
        return tags

    @property
    def _layers(self) -> list[DecoderLayer]:
        layers: list[DecoderLayer] = list(self.encoder["layer"])  # type: ignore[call-overload]
        return layers


def _residual(width: int, out: int) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": nn.Linear(width, out), "LayerNorm": nn.LayerNorm(out, eps=_EPSILON)})


def _added(output: nn.ModuleDict, states: Tensor, residual: Tensor) -> Tensor:
    added: Tensor = output["LayerNorm"](output["dense"](states) + residual)
    return added


def blocks(count: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` items that cover `count`.

    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
