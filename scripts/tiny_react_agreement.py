"""A small vision transformer that is brought to agree with tiny-clip's image tower.

A transformer of this size learns far more slowly from texts than from the features of a tower that
can already see, and faster still where that tower's maps on the way there are hints to its tokens.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP
from tiny_clip_model import build_model, encode_images
from tiny_react_stage import Stage, last, report, training
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy, mse_loss

VISION: dict[str, object] = {"image_size": 64, "layers": 4, "width": 96, "head_width": 32, "patch_size": 8}
GRID, WIDTH = 8, 96
"""Patches along a side, and numbers of a token."""
BATCH = 128
CLOSE, HINTED = 10.0, 3.0
"""What a cosine's distance from 1, and a hint's mean square, weigh beside the contrast."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A block, a layer of the base, its channels, and how many patches lie along a side of its cells."""

    block: int
    layer: str
    channels: int
    cell: int


HINTS = (Hint(1, "layer2", 96, 1), Hint(2, "layer3", 192, 2))


@dataclass(slots=True)
class Maps:
    """What the hinted layers of both towers last answered, in the order of HINTS."""

    own: dict[int, Tensor] = field(default_factory=dict)  # [b, 65, w]
    wanted: dict[int, Tensor] = field(default_factory=dict)  # [b, c, h, w]


def student(base: CLIP, config: dict[str, object]) -> CLIP:
    """The base's text tower, locked, beside a fresh image tower."""
    model = build_model(config)
    text = {key: value for key, value in base.state_dict().items() if not key.startswith("visual.")}
    model.load_state_dict({**model.state_dict(), **text})
    model.requires_grad_(requires_grad=False)
    model.visual.requires_grad_(requires_grad=True)
    return model


def agree(model: CLIP, base: CLIP, plain: NDArray[np.uint8], stage: Stage, random: torch.Generator) -> float:
    """Bring the image tower to the base's features of plain images; the mean cosine of the last steps.

    An image's two features shall be close and told apart from those of the other images of a step.
    """
    maps, bridges = Maps(), torch.nn.ModuleList(torch.nn.Linear(WIDTH, hint.channels) for hint in HINTS)
    taps = _tap(model, base, maps)
    owner, scale = torch.arange(BATCH), base.logit_scale.exp()
    cosines: list[float] = []
    model.train()
    for _ in training(torch.nn.ModuleList([model.visual, bridges]), stage):
        rows = torch.randint(len(plain), (BATCH,), generator=random)
        pixels = torch.from_numpy(plain[rows.numpy()])
        with torch.no_grad():
            wanted = encode_images(base, pixels)
        found = encode_images(model, pixels)
        cosine = (found * wanted).sum(1).mean()
        logits = scale * found @ wanted.T
        apart = (cross_entropy(logits, owner) + cross_entropy(logits.T, owner)) / 2
        torch.autograd.backward(apart + CLOSE * (1 - cosine) + HINTED * _missed(maps, bridges))
        cosines.append(float(cosine.detach()))
        report(cosines, "cosine")
    for tap in taps:
        tap.remove()
    model.eval()
    return last(cosines)


def _tap(model: CLIP, base: CLIP, maps: Maps) -> list[torch.utils.hooks.RemovableHandle]:
    def keep(place: dict[int, Tensor], index: int, _module: object, _inputs: object, output: Tensor) -> None:
        place[index] = output

    taps = []
    for index, hint in enumerate(HINTS):
        block = model.visual.transformer.resblocks[hint.block]
        layer = getattr(base.visual, hint.layer)
        taps += [
            block.register_forward_hook(partial(keep, maps.own, index)),
            layer.register_forward_hook(partial(keep, maps.wanted, index)),
        ]
    return taps


def _missed(maps: Maps, bridges: torch.nn.ModuleList) -> Tensor:
    """Mean squares between the patches' tokens, through a linear map, and the base's standardised cells."""
    missed = torch.zeros(())
    for index, (hint, bridge) in enumerate(zip(HINTS, bridges, strict=True)):
        patches = maps.own[index][:, 1:].transpose(1, 2).reshape(-1, WIDTH, GRID, GRID)
        cells = avg_pool2d(patches, hint.cell).flatten(2).transpose(1, 2)  # [b, c, w]
        wanted = maps.wanted[index].flatten(2).transpose(1, 2)
        mean, deviation = wanted.mean((0, 1)), wanted.std((0, 1)) + 1e-3
        missed = missed + mse_loss(bridge(cells), (wanted - mean) / deviation)
    return missed
