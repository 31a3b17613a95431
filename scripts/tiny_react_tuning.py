"""REACT's gated-image tuning: a tower's gated blocks learn from retrieved pairs, all else stays."""

from dataclasses import dataclass

import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from tiny_clip_evaluation import read_classes
from tiny_clip_model import encode_images, encode_texts, tokenize
from tiny_react_data import SET, Retrieved
from tiny_react_stage import Stage, last, report, training
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, normalize

from vlbench.datasets.shapes.world import COLOUR_NAMES, COMBINATIONS, SEEN, SHAPES

CAPTIONS = 2
"""Captions of an image in a step, of its five."""
SETS, SINGLES = 2, 64
"""Sets of scenes with captions, and scenes of one thing, of a step."""
SEEN_COLUMNS = torch.tensor([colour * len(SHAPES) + shape for colour, shape in SEEN])
MAY_MEET = torch.isin(torch.arange(len(COMBINATIONS)), SEEN_COLUMNS).reshape(len(COLOUR_NAMES), len(SHAPES))
"""Which colours and shapes a training scene may pair, `[8, 8]`."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """Unit features of the locked text tower; of classes, the mean over the task's templates."""

    captions: Tensor  # [g, SET, 5, d]
    pairs: Tensor  # [48, d], pairs seen in training
    colours: Tensor  # [8, d]
    shapes: Tensor  # [8, d]


@torch.no_grad()
def read_sentences(model: CLIP, retrieved: Retrieved, tokenizer: SimpleTokenizer) -> Sentences:
    """All that the tuning reads: the text tower is locked, so once is enough."""
    flat = [text for group in retrieved.captions for captions in group for text in captions]
    parts = [
        encode_texts(model, tokenize(tokenizer, flat[k : k + 2000]), chunks=5)
        for k in range(0, len(flat), 2000)
    ]
    named: dict[str, Tensor] = {}
    for task in ("shapes", "shapes-tags"):
        classes = read_classes(task)
        each = [encode_texts(model, tokenize(tokenizer, classes.fill(way))) for way in classes.templates]
        named[task] = normalize(torch.stack(each).mean(0), dim=-1)
    colours, shapes = torch.split(named["shapes-tags"], [len(COLOUR_NAMES), len(SHAPES)])
    captions = torch.cat(parts).reshape(len(retrieved.captions), SET, 5, -1)
    return Sentences(captions, named["shapes"][SEEN_COLUMNS], colours, shapes)


def tune(
    model: CLIP, retrieved: Retrieved, sentences: Sentences, stage: Stage, random: torch.Generator
) -> float:
    """Tune what asks for gradients, the gated blocks, on pairs; the mean loss of the last steps."""
    pairs = torch.from_numpy(retrieved.single_pairs).int().argmax(1)
    scale = model.logit_scale.exp()
    losses: list[float] = []
    for _ in training(model.visual, stage):
        sets = torch.randint(len(retrieved.several), (SETS,), generator=random)
        singles = torch.randint(len(retrieved.single), (SINGLES,), generator=random)
        pixels = (
            torch.from_numpy(retrieved.several[sets.numpy()]).flatten(0, 1),
            torch.from_numpy(retrieved.single[singles.numpy()]),
        )
        several, single = torch.split(encode_images(model, torch.cat(pixels)), [SETS * SET, SINGLES])
        chosen = torch.rand(SETS * SET, 5, generator=random).argsort(dim=1)[:, :CAPTIONS]
        captions = sentences.captions[sets].flatten(0, 1)[torch.arange(SETS * SET)[:, None], chosen]
        loss = contrast(scale * several @ captions.flatten(0, 1).T)
        loss = loss + naming(scale * single, pairs[singles], sentences)
        torch.autograd.backward(loss)
        losses.append(float(loss.detach()))
        report(losses, "loss")
    return last(losses)


def contrast(logits: Tensor) -> Tensor:
    """Both ways of `[b, b * CAPTIONS]`, an image's captions side by side."""
    own = torch.arange(len(logits)).repeat_interleave(CAPTIONS)
    rows = log_softmax(logits, dim=1)[own, torch.arange(len(own))]
    loss: Tensor = (cross_entropy(logits.T, own) - rows.mean()) / 2
    return loss


def naming(scaled: Tensor, pairs: Tensor, sentences: Sentences) -> Tensor:
    """Scenes of one thing `[b, d]` among the seen pairs, among the colours and among the shapes.

    A colour that no training scene shows in this shape is no wrong answer: learning it to be one would
    rule the held-out pairs out.
    """
    colour, shape = pairs // len(SHAPES), pairs % len(SHAPES)
    among_colours = (scaled @ sentences.colours.T).masked_fill(~MAY_MEET.T[shape], -1e4)
    among_shapes = (scaled @ sentences.shapes.T).masked_fill(~MAY_MEET[colour], -1e4)
    named = cross_entropy(scaled @ sentences.pairs.T, torch.searchsorted(SEEN_COLUMNS, pairs))
    return named + cross_entropy(among_colours, colour) + cross_entropy(among_shapes, shape)
