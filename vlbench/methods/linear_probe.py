"""linear-probe: CLIP_benchmark's linear probe, one layer trained by AdamW on vectors of length 1.

Source: LAION-AI/CLIP_benchmark, metrics/linear_probe.py (1.6.2). The method draws batches with a generator of
its own, so they differ from those of PyTorch's global generator.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import Head, Lesson, Method
from vlbench.methods.logistic import Logits, searched
from vlbench.methods.support import Search, Support, accuracy, probe, searched_support, support_of, unit

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 64
RATE, EPOCHS = 0.1, 10
LARGEST_RATE = 1000.0
DECAYS = np.logspace(-6, 2, 97)
"""The weight decays of the search."""
FAILED = -math.inf
"""A number below any accuracy."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a layer is trained: AdamW, with a cosine schedule from `rate` to 0 over all steps, without
    warm-up."""

    seed: int
    device: str
    rate: float = RATE
    epochs: int = EPOCHS
    batch: int = BATCH
    decay: float = 0.0


def linear_probe(
    *,
    shots: int | None = None,
    search: Search = "none",
    lr: float = RATE,
    epochs: int = EPOCHS,
) -> Method:
    """One layer by AdamW on vectors of length 1; weight decay is 0, or searched on the validation split.

    After a search the layer is trained again on both splits, or with `shots` on the shots alone. The seed
    draws the shots, the initial weights and the order of the images.

    Raises:
        Unsupported: shots or epochs are below 1, or the rate is not above 0 and at most 1000.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1, 0], [0, 1]], vectors=[[1, 0], [0, 1]])
    >>> head = linear_probe(epochs=3).fit(lesson)
    >>> head.score(np.array([[1.0, 0.0]], dtype=np.float32)).argmax(axis=1)
    array([0])
    """
    if not 0 < lr <= LARGEST_RATE or epochs < 1:
        raise Unsupported(
            f"linear-probe needs lr above 0 and up to {LARGEST_RATE:g}, and 1 epoch or more, not "
            f"lr={lr:g},epochs={epochs}"
        )
    return probe("linear-probe", partial(learn, shots, search, lr, epochs), shots, search=search, seeded=True)


def learn(shots: int | None, search: Search, lr: float, epochs: int, lesson: Lesson) -> Head:
    """Train the layer on the training split, or on both splits with the best weight decay.

    Raises:
        DataError: the weights are not finite.
    """
    how = partial(Fit, lesson.seed, lesson.device, lr, epochs, BATCH)
    if search == "validation":
        train, place = searched_support(lesson, shots, partial(choose, how))
        decay = float(DECAYS[place])
    else:
        train, decay = support_of(lesson, shots), 0.0
    found = fitted(train, how(decay))
    if not found.finite:
        raise DataError(f"linear-probe: weights at lr={lr:g} are no numbers; take a smaller lr")
    learned = {**train.learned, "weight_decay": decay} if search == "validation" else train.learned
    return Head(score=found.score, learned=learned)


def choose(how: "partial[Fit]", train: Support, validation: Support) -> int:
    """The index of the weight decay with the best accuracy on the validation images."""
    return searched(partial(_tried, train, validation, how))


def _tried(train: Support, validation: Support, how: "partial[Fit]", place: int) -> float:
    return tried_accuracy(fitted(train, how(float(DECAYS[place]))), validation)


def tried_accuracy(found: Logits, support: Support) -> float:
    """The accuracy on labelled images; -inf where a score is NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        scores = found.score(support.vectors)
    return accuracy(scores, support.labels) if np.isfinite(scores).all() else FAILED


def fitted(support: Support, how: Fit) -> Logits:
    """Train a layer on labelled vectors; its weights are initialised as in PyTorch."""
    import torch

    shown, labels = np.unique(support.labels, return_inverse=True)
    vectors = torch.from_numpy(unit(support.vectors)).to(how.device)
    targets = torch.from_numpy(labels).to(how.device)
    (n, d), stream = vectors.shape, torch.Generator().manual_seed(how.seed)
    bound = 1 / math.sqrt(d)
    weights, biases = (
        torch.empty(shape).uniform_(-bound, bound, generator=stream).to(how.device)
        for shape in ((len(shown), d), (len(shown),))
    )
    optimizer = torch.optim.AdamW([weights, biases], lr=how.rate, weight_decay=how.decay)
    total, step = how.epochs * math.ceil(n / how.batch), 0
    for _ in range(how.epochs):
        order = torch.randperm(n, generator=stream).to(how.device)
        for first in range(0, n, how.batch):
            places = order[first : first + how.batch]
            optimizer.param_groups[0]["lr"] = how.rate * (1 + math.cos(math.pi * step / total)) / 2
            set_gradients(vectors[places], targets[places], weights, biases)
            optimizer.step()
            step += 1
    parameters = torch.cat([weights.T, biases[None]]).cpu().double().numpy()
    return Logits(parameters, shown, support.classes, of_unit=True)


def set_gradients(
    rows: "Tensor", targets: "Tensor", weights: "Tensor", biases: "Tensor", *, scale: float = 1.0
) -> None:
    """Set the gradients of the mean cross entropy, with logits scale * (rows @ weights.T + biases)."""
    wrong = (scale * (rows @ weights.T + biases)).softmax(dim=1)
    wrong.scatter_add_(1, targets[:, None], wrong.new_full((len(rows), 1), -1.0))
    wrong *= scale / len(rows)
    weights.grad, biases.grad = wrong.T @ rows, wrong.sum(dim=0)
