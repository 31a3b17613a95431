"""What CLIP-like models have in common: features of two towers and their scaled cosine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn.functional import pad

from vlbench.core.contracts import ModelInfo, Placement, Text
from vlbench.models.shared.precision import inference

TILE = 16
"""CPU kernels round rows and columns beyond a multiple of this number differently."""

_ROWS = 256
"""How many rows are normalised together: with one shape, a row's rounding depends on no other row."""


class TextEncoder(Protocol):
    """Encodes texts as unit features [m, d] in float32 on the model's device."""

    def __call__(self, texts: Sequence[Text], *, batch_size: int) -> Tensor: ...

    def cut(self, texts: Sequence[Text]) -> Sequence[str]:
        """The sentences of texts that are longer than it reads."""
        ...

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]:
        """Tokens [m] of each text's longest sentence before it is cut."""
        ...

    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]:
        """Digests [m] of the tokens that are read of each text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DualEncoder:
    """An image tower and a text encoder with one shared space; a Model of core/contracts.

    It is also a CutsSentences, a CountsTokens, a ScoresPairs and a Vectors of core/capabilities.py.

    `image_tower` maps normalised pixels [b, 3, h, w] to features [b, d], not normalised.
    """

    info: ModelInfo
    preprocess: Callable[[Image], Tensor]
    normalisation: Callable[[Tensor], Tensor]
    image_tower: Callable[[Tensor], Tensor]
    text_encoder: TextEncoder
    placement: Placement

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Projected features [b, d] of uint8 pixels [b, 3, h, w], not normalised."""
        with inference(self.placement):
            features = self.image_tower(self.normalisation(pixels.to(self.placement.device)))
        # one memory layout, as stored ones have it: a norm is rounded otherwise in another
        return features.float().contiguous()

    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        """Unit features [m, d]. The row of a text does not depend on the other texts, to the bit."""
        return self.text_encoder(texts, batch_size=batch_size)

    def cut(self, texts: Sequence[Text]) -> Sequence[str]:
        """The sentences of texts that are longer than the model reads."""
        return self.text_encoder.cut(texts)

    def token_counts(self, texts: Sequence[Text]) -> Sequence[int]:
        """Tokens [m] of each text's longest sentence before it is cut."""
        return self.text_encoder.token_counts(texts)

    def token_digests(self, texts: Sequence[Text]) -> Sequence[str]:
        """Digests [m] of the tokens that are read of each text."""
        return self.text_encoder.token_digests(texts)

    def vectors(self, features: Tensor) -> Tensor:
        """The features [b, d] of images or texts unchanged, since both are in one space."""
        return features

    def score(self, images: Tensor, texts: Tensor) -> Tensor:
        """Scaled cosines [b, m] of features [b, d] and unit features [m, d]: exp(logit_scale) x .

        Y + logit_bias.
        """
        stated = self.info.unit
        with inference(Placement(self.placement.device)):
            scores = products(unit(images).mul_(stated.scale), texts)
            return scores + stated.bias if stated.bias else scores

    def score_pairs(self, images: Tensor, texts: Tensor) -> Tensor:
        """Scaled cosines [p] of features [p, d] and unit features [p, d], row by row."""
        stated = self.info.unit
        with inference(Placement(self.placement.device)):
            scores = unit(images).mul_(stated.scale).mul_(texts).sum(dim=-1)
            return scores + stated.bias if stated.bias else scores


def normalised(pixels: Tensor, *, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalise uint8 pixels [b, 3, h, w] to float32, with the rounding of torchvision's ToTensor and
    Normalize.

    `mean` and `std` are per channel, for pixels in [0, 1].
    """
    # One memory layout whatever the loader stacked: kernels differ between layouts.
    scaled = pixels.contiguous().to(torch.float32).div_(255)  # [b, 3, h, w]
    # made where the pixels are, number by number: a device is waited for at each copy
    shift, spread = (torch.cat([scaled.new_full((1, 1, 1), x) for x in values]) for values in (mean, std))
    return scaled.sub_(shift).div_(spread)


def products(images: Tensor, texts: Tensor) -> Tensor:
    """Dot products [b, m] of images [b, d] and texts [m, d].

    Both sides are padded with zeros to whole tiles: a matrix product rounds the last odd rows and columns
    differently, so equal texts would not tie.

    >>> products(torch.eye(2), torch.tensor([[1.0, 2.0]])).tolist()
    [[1.0], [2.0]]
    """
    whole_images, whole_texts = (
        pad(rows, (0, 0, 0, -len(rows) % TILE)) if len(rows) % TILE else rows for rows in (images, texts)
    )
    return torch.matmul(whole_images, whole_texts.T)[: len(images), : len(texts)]


def unit(rows: Tensor) -> Tensor:
    """Rows [m, d] scaled to length 1."""
    scaled: Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return scaled


def unit_in_blocks(rows: Tensor) -> Tensor:
    """Normalise rows [m, d] to length 1, in blocks of one shape for any m."""
    blocks = []
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS]
        filled = torch.cat([block, block.new_ones(_ROWS - len(block), rows.shape[1])])  # [_ROWS, d]
        blocks.append(unit(filled)[: len(block)])
    return torch.cat(blocks) if blocks else rows


def mean_of_groups(rows: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """The normalised mean [m, d] of the rows [p, d] in each group.

    Rows are added one by one in the order of the group, so a mean's rounding depends on its group alone.
    """
    if not groups:
        return rows[:0]
    counts = [len(group) for group in groups]
    steps = [
        [index for index, count in enumerate(counts) if count > position] for position in range(max(counts))
    ]
    having = [index for step in steps for index in step]
    picked = [groups[index][position] for position, step in enumerate(steps) for index in step]
    # by one copy: a device is waited for at each
    plan = torch.tensor([*having, *picked, *counts]).to(rows.device)
    of_groups, of_rows, of_counts = torch.split(plan, [len(having), len(picked), len(counts)])
    sizes = [len(step) for step in steps]
    sums = rows.new_zeros(len(groups), rows.shape[1])  # [m, d]
    for place, row in zip(torch.split(of_groups, sizes), torch.split(of_rows, sizes), strict=True):
        sums[place] += rows[row]
    return unit_in_blocks(sums / of_counts.to(rows.dtype)[:, None])
