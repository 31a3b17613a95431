"""A model whose features are written down, pictures that it knows, and tasks run through the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from colour_model import ColourCheckpoint, ColourModel, evaluated
from PIL import Image
from torch import Tensor

from vlbench.core.capabilities import PAIRS, VECTORS
from vlbench.core.contracts import Checkpoint, Dataset, Example, Identity, Offers, Placement, Target, Text
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of
from vlbench.core.item import Item
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.metric import Metric
from vlbench.core.problem import Problem, Query
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.result import Result
from vlbench.core.task import ProtocolStatement, Task, TaskRequest
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings
from vlbench.task_kinds.matching import matching

SETTINGS = RunSettings(batch_size=4, workers=0)


@dataclass
class HandModel(ColourModel):
    """Features of picture k are `rows[k]`, those of words `words[name]`; a score is their product.

    With unit rows each score is one number of the table. `answer` takes the place of all scores.
    """

    rows: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    words: Mapping[str, Tensor] = field(default_factory=dict)

    def encode_images(self, pixels: Tensor) -> Tensor:
        self.seen.append(len(pixels))
        return self.rows[pixels[:, 0, 0, 0].long() + 256 * pixels[:, 1, 0, 0].long()]

    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> Tensor:
        self.texts_seen.append(len(texts))
        return torch.stack([self.words[text.name] for text in texts])

    def score(self, images: Tensor, texts: Tensor) -> Tensor:
        if self.answer is not None:
            return torch.full((len(images), len(texts)), self.answer)
        return images @ texts.T

    def score_pairs(self, images: Tensor, texts: Tensor) -> Tensor:
        if self.answer is not None:
            return torch.full((len(images),), self.answer)
        return (images * texts).sum(dim=1)

    def vectors(self, features: Tensor) -> Tensor:
        return features


@dataclass
class HandCheckpoint(ColourCheckpoint):
    """Hands out a model of written features, known by all of them."""

    name: str = "hand"
    capabilities: frozenset[str] = frozenset({VECTORS, PAIRS})

    def identify(self) -> Identity:
        model = self.model
        words = {name: row.tolist() for name, row in model.words.items()}
        side = digest_of([model.rows.tolist(), words])
        return Identity(side, side, digest_of([side, str(model.answer)]), {}, "tests")


def by_vectors(
    rows: Sequence[Sequence[float]], words: Mapping[str, Sequence[float]] | None = None
) -> HandCheckpoint:
    """A model of written vectors, of pictures by their numbers and of words."""
    table = {name: torch.tensor(row, dtype=torch.float32) for name, row in (words or {}).items()}
    return HandCheckpoint(HandModel(rows=torch.tensor(rows, dtype=torch.float32), words=table))


def by_scores(words: Mapping[str, Sequence[float]]) -> HandCheckpoint:
    """A model of written scores: of each words those of picture 0, 1, and so on."""
    count = len(next(iter(words.values())))
    return by_vectors(torch.eye(count).tolist(), words)


def answering(checkpoint: HandCheckpoint, answer: float) -> HandCheckpoint:
    """A model that gives every pair one score."""
    return HandCheckpoint(HandModel(rows=checkpoint.model.rows, words=checkpoint.model.words, answer=answer))


def alike(checkpoint: HandCheckpoint) -> HandCheckpoint:
    """A model to which every image and every words are the same vector."""
    model = checkpoint.model
    words = {name: torch.ones_like(row) for name, row in model.words.items()}
    return HandCheckpoint(HandModel(rows=torch.ones_like(model.rows), words=words))


def pictures(count: int, first: int = 0, labels: Sequence[str] = ()) -> Dataset:
    """Pictures `first` and on, named `p0`, `p1` ...; equal numbers are equal pictures in every data set."""
    return Dataset("pictures", f"{first} {count}", Examples(partial(_example, first, tuple(labels)), count))


def _example(first: int, labels: tuple[str, ...], index: int) -> Example:
    number = first + index
    target = Target(label=labels[index] if labels else None)
    return Example(f"p{number}", partial(_picture, number), target, key=digest_of(f"picture {number}"))


def _picture(number: int) -> Image.Image:
    return Image.new("RGB", (4, 4), (number % 256, number // 256, 128))


def words(*names: str) -> tuple[Query, ...]:
    """Queries by words alone."""
    return tuple(Query(Text(name)) for name in names)


def pairs_of(found: Sequence[tuple[int, int]], shape: tuple[int, int]) -> Relevance:
    """Pairs (candidate, query) as they are written down."""
    sides = torch.tensor(found, dtype=torch.int64).reshape(-1, 2).numpy()
    return Relevance.from_pairs(sides[:, 0], sides[:, 1], shape)


def task(
    name: str,
    problem: Problem,
    scoring: str,
    metrics: Mapping[str, Metric],
    learn_from: Mapping[str, Problem] | None = None,
) -> Task:
    """A task of parts, whose first metric is its primary one."""
    return Task(
        name=name,
        kind="miniature",
        protocol=ProtocolStatement("test", digest_of(name), {}),
        problem=problem,
        scoring=SCORINGS.get(scoring),
        metrics=metrics,
        primary=next(iter(metrics)),
        learn_from=learn_from or {},
    )


def matched(
    items: Sequence[Item], images: int, metrics: Sequence[str] = (), **settings: Literal["texts", "aro"]
) -> Task:
    """A matching of items of the first pictures."""
    source = replace(pictures(images), offers=Offers(items=tuple(items)))
    return matching(TaskRequest("items", "test", source, metrics=tuple(metrics)), **settings)


def run(asked: Task, checkpoint: Checkpoint, cache: Path, method: Method = ZERO_SHOT) -> Result:
    """The result of a task, through the engine."""
    job = plan_job(checkpoint, asked, SETTINGS, method=method)
    return evaluated(job, SETTINGS, cache)


def values(result: Result) -> dict[str, float | None]:
    """A result's metrics by name."""
    return {each.metric: each.value for each in result.metrics}


def loaded(checkpoint: Checkpoint) -> HandModel:
    """The model of a checkpoint, on the CPU."""
    return checkpoint.load(Placement())
