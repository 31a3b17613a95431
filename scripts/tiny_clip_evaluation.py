"""The offline tasks' primary metrics in plain torch, ties against the model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from tiny_clip_model import encode_images, encode_texts, tokenize
from torch import Tensor

from vlbench.core.contracts import Dataset, Place
from vlbench.datasets.layouts.digits import digits
from vlbench.datasets.shapes.scenes import shapes

TASKS = Path(__file__).parents[1] / "tasks"
LABELLED, PICTURED = 640, 500
THRESHOLD_SEED = 77
"""Seed of the training-split scenes that the tags' threshold is chosen on; training uses another."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Names of a task and the sentences made of them."""

    names: tuple[str, ...]
    templates: tuple[str, ...]

    def fill(self, template: str) -> list[str]:
        """One prompt a name."""
        return [template.replace("{}", name) for name in self.names]


def read_classes(task: str) -> Classes:
    """Names and templates as the task's card has them."""
    names = (TASKS / "names" / f"{task}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    templates = (TASKS / "templates" / f"{task}.txt").read_text(encoding="utf-8").splitlines()
    return Classes(tuple(line.split("\t")[0] for line in names), tuple(templates))


@torch.inference_mode()
def evaluate(model: CLIP, tokenizer: SimpleTokenizer) -> dict[str, float]:
    """Fractions by task and metric; the model is in evaluation mode afterwards."""
    model.eval()
    found: dict[str, float] = {}
    place = Place()

    labelled = shapes(place, question="label", count=LABELLED)
    pairs = read_classes("shapes")
    scores, right = _classify(model, tokenizer, labelled, pairs)
    found["shapes acc1"] = _accuracy(scores, right)
    shown = torch.unique(right)
    found["shapes acc1 among the 16 held out"] = _accuracy(scores[:, shown], torch.searchsorted(shown, right))

    outlined = shapes(place, question="label", count=LABELLED, style="outline")
    found["shapes-outline acc1"] = _accuracy(*_classify(model, tokenizer, outlined, pairs))

    scores, right = _classify(model, tokenizer, digits(place), read_classes("digits"))
    found["digits acc1"] = _accuracy(scores, right)

    pictured = shapes(place, question="captions", count=PICTURED)
    images = _images(model, pictured)
    captions = [caption for k in range(PICTURED) for caption in pictured[k].target.captions]
    scores = images @ encode_texts(model, tokenize(tokenizer, captions), chunks=8).T
    owner = torch.arange(PICTURED).repeat_interleave(5)
    own = scores[owner, torch.arange(len(owner))]
    found["shapes-retrieval image_retrieval_recall@1"] = float(((scores >= own).sum(0) == 1).float().mean())
    mine = owner[None, :] == torch.arange(PICTURED)[:, None]
    best = scores.masked_fill(~mine, -2).amax(1, keepdim=True)
    wrong = (scores.masked_fill(mine, -2) >= best).sum(1)
    found["shapes-retrieval text_retrieval_recall@1"] = float((wrong == 0).float().mean())

    tags = read_classes("shapes-tags")
    texts = _ensemble(model, tokenizer, tags)
    scores, truth = _tag(model, shapes(place, question="tags", count=PICTURED), tags, texts)
    found["shapes-tags mean_average_precision"] = float(average_precision(scores, truth).mean())
    found["shapes-tags prevalence"] = float(truth.float().mean())
    seen = shapes(place, question="tags", split="train", seed=THRESHOLD_SEED, count=PICTURED)
    found["shapes-tags threshold"] = best_threshold(*_tag(model, seen, tags, texts))
    return found


def average_precision(scores: Tensor, truth: Tensor) -> Tensor:
    """Of each column of `[n, m]`: the mean over its positives of (positives >= s) / (all >= s)."""
    values = []
    for column, right in zip(scores.T, truth.T, strict=True):
        positives = column[right]
        above = (column[None, :] >= positives[:, None]).sum(1)
        values.append(((positives[None, :] >= positives[:, None]).sum(1) / above).mean())
    return torch.stack(values)


def best_threshold(scores: Tensor, truth: Tensor) -> float:
    """The cosine, in hundredths, with the highest mean F1 of the columns of `[n, m]`."""
    steps = [step / 100 for step in range(-20, 100)]

    def macro_f1(threshold: float) -> float:
        said = scores >= threshold
        return float((2 * (said & truth).sum(0) / (said.sum(0) + truth.sum(0))).mean())

    return max(steps, key=macro_f1)


def _tag(model: CLIP, source: Dataset, tags: Classes, texts: Tensor) -> tuple[Tensor, Tensor]:
    said = [source[k].target.tags or () for k in range(len(source))]
    truth = torch.tensor([[name in row for name in tags.names] for row in said])
    return _images(model, source) @ texts.T, truth


def _classify(
    model: CLIP, tokenizer: SimpleTokenizer, source: Dataset, classes: Classes
) -> tuple[Tensor, Tensor]:
    scores = _images(model, source) @ _ensemble(model, tokenizer, classes).T
    right = torch.tensor([classes.names.index(str(source[k].target.label)) for k in range(len(source))])
    return scores, right


def _ensemble(model: CLIP, tokenizer: SimpleTokenizer, classes: Classes) -> Tensor:
    """The unit mean of the unit features of each name's prompts, `[m, d]`."""
    filled = [encode_texts(model, tokenize(tokenizer, classes.fill(t))) for t in classes.templates]
    return torch.nn.functional.normalize(torch.stack(filled).mean(0), dim=-1)


def _images(model: CLIP, source: Dataset) -> Tensor:
    pixels = [np.asarray(source[k].image()) for k in range(len(source))]
    parts = [
        encode_images(model, torch.from_numpy(np.stack(pixels[k : k + 64])))
        for k in range(0, len(pixels), 64)
    ]
    return torch.cat(parts)


def _accuracy(scores: Tensor, right: Tensor) -> float:
    own = scores.gather(1, right[:, None])
    return float(((scores >= own).sum(1) == 1).float().mean())
