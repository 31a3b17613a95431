"""elevater-probe: ELEVATER's linear probe, whose head is initialised with the vectors of the words (Li et al.
2022).

Source: Computer-Vision-in-the-Wild/Elevater_Toolkit_IC, evaluation/full_model_finetune.py and feature.py,
with the configuration of its CLIP models: SGD with momentum 0.9 at a constant rate, batches of 64, vectors
standardised by the mean and deviation of their batch, a logit scale of 1, 10 epochs for each setting and 50
for the last fit. The first fifth of each class, rounded up, is held out for the search; the last fit uses all
images.

Differences: ELEVATER reports the epoch with the best test score, here the last epoch counts. A setting that
fails scores 0 there; here it is skipped, also where only its last fit fails. ELEVATER's first release fits
the left neighbour twice instead of the right one, and takes two shots for one. Of equal settings, the
smallest are chosen. ELEVATER chooses by the metric of the data set, here by accuracy. Not documented there:
how shots are drawn (here by big_vision's rule) and whether intercepts decay (here they do).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import Head, Lesson, Method, SplitName
from vlbench.core.problem import Problem
from vlbench.methods.linear_probe import BATCH, FAILED, set_gradients, tried_accuracy
from vlbench.methods.logistic import STRENGTHS, Logits, Parameters, searched
from vlbench.methods.support import (
    Labels,
    Support,
    Vectors,
    places_in_class,
    probe,
    refuse_unsuited,
    refuse_widths,
    support_of,
    unit,
)

RATES = np.logspace(-6, -1, 6)
"""The learning rates of the search, each with the weight decays of `STRENGTHS`."""
MOMENTUM = 0.9
EPOCHS, LAST_EPOCHS = 10, 50
HELD_BACK = 0.2
SHARE, LEAST_VARIANCE = 0.1, 1e-5
"""The weight of a batch in the running mean and variance, and the number added to a variance; both as in
PyTorch."""
SCALE = 100.0
"""The factor of the cosines with words, where vectors have length 1."""

Features = Literal["standardised", "unit"]


@dataclass(frozen=True, slots=True)
class Start:
    """How a head is initialised: words [m, d] of length 1, whether images have length 1 too, and the
    device."""

    words: Vectors
    unit: bool
    device: str


def elevater_probe(*, shots: int | None = None, features: Features = "standardised") -> Method:
    """A linear head that starts as the words, by SGD; rate and decay are searched on held-out images.

    With `features=unit`, it is initialised as zero-shot: vectors of length 1, logits of 100 times the
    cosines. The seed draws `shots` images of each class, and a fifth of them is held out for the search.

    Raises:
        Unsupported: there is one shot.

    >>> from vlbench.core.small_problem import small_lesson
    >>> right, axes = [[1, 0], [0, 1], [1, 0], [0, 1]], [[1, 0], [0, 1], [1, 0.1], [0.1, 1]]
    >>> head = elevater_probe().fit(small_lesson(right, vectors=axes, words=[[1, 0], [0, 1]]))
    >>> head.score(np.eye(2, dtype=np.float32)).argmax(axis=1)
    array([0, 1])
    """
    if shots == 1:
        raise Unsupported(
            "elevater-probe searches on a fifth of each class, of 5 images one; take 2 shots or more"
        )
    fit = partial(learn, shots, features)
    return probe("elevater-probe", fit, shots, suits=partial(suits, shots), reads_words=True)


def suits(shots: int | None, problems: Mapping[SplitName, Problem]) -> None:
    """Refuse a training split that does not suit the method.

    Raises:
        Unsupported: an image has no class or several, a class has too few images, or each class has one.
    """
    refuse_unsuited("elevater-probe", shots, problems)
    if problems["train"].relevant.column_counts.max() < 2:
        raise Unsupported(
            f"elevater-probe searches on some images of a class and learns from the others, and no class has "
            f"2 training images in {problems['train'].images.name}; add some, or choose another method"
        )


def learn(shots: int | None, features: Features, lesson: Lesson) -> Head:
    """Fit the head on all images, with the rate and decay of the best accuracy on a held-out fifth of them.

    Raises:
        DataError: every setting ends in weights that are not finite, or the vectors of words and of images
            differ in width.
    """
    support, words = support_of(lesson, shots), lesson.words()
    refuse_widths(words, support.vectors, of="elevater-probe")
    start = Start(unit(words), features == "unit", lesson.device)
    held = held_back(support.labels)
    train, searched_on = (
        replace(support, vectors=support.vectors[each], labels=support.labels[each]) for each in (~held, held)
    )
    tried: dict[tuple[int, int], float] = {}
    for number in range(len(RATES)):
        searched(partial(_tried, tried, train, searched_on, start, number))
    for number, place in sorted(sorted(tried), key=tried.__getitem__, reverse=True):
        if tried[number, place] == FAILED:
            break
        rate, decay = float(RATES[number]), float(STRENGTHS[place])
        for found in epochs(support, start, rate, decay, LAST_EPOCHS):  # noqa: B007 - the last of them is taken
            pass
        if found.finite:
            failed = sum(score == FAILED for score in tried.values())
            learned = {"lr": rate, "weight_decay": decay, "settings": len(tried), "failed_settings": failed}
            return Head(score=found.score, learned={**support.learned, **learned})
        tried[number, place] = FAILED  # some grow so slowly that they fail in the last fit alone
    raise DataError(
        f"elevater-probe: weights of all {len(tried)} settings are no numbers; look at the model's vectors"
    )


def held_back(labels: Labels) -> NDArray[np.bool_]:
    """Which images are held out for the search: the first fifth of each class, rounded up.

    >>> held_back(np.array([0, 0, 0, 1, 0, 0, 0])).tolist()
    [True, True, False, True, False, False, False]
    """
    counts = np.ceil(np.bincount(labels) * HELD_BACK)
    held: NDArray[np.bool_] = places_in_class(labels) < counts[labels]
    return held


def _tried(
    tried: dict[tuple[int, int], float], train: Support, held: Support, start: Start, number: int, place: int
) -> float:
    """The accuracy of a setting on the held-out images after its best epoch; `tried` stores it."""
    best = FAILED
    for found in epochs(train, start, float(RATES[number]), float(STRENGTHS[place]), EPOCHS):
        own = tried_accuracy(found, held)
        best = max(best, own) if own != FAILED else FAILED
        if best == FAILED:
            break
    tried[number, place] = best
    return best


def epochs(support: Support, start: Start, rate: float, decay: float, count: int) -> Iterator[Logits]:
    """The head after each of `count` epochs."""
    import torch
    from torch.nn.functional import batch_norm

    vectors = torch.from_numpy(unit(support.vectors) if start.unit else support.vectors).to(start.device)
    targets = torch.from_numpy(support.labels).to(start.device)
    weights = torch.tensor(start.words, device=start.device)
    biases = torch.zeros(len(weights), device=start.device)
    mean, variance = (make(vectors.shape[1], device=start.device) for make in (torch.zeros, torch.ones))
    optimizer = torch.optim.SGD([weights, biases], lr=rate, momentum=MOMENTUM, weight_decay=decay)
    stream = torch.Generator().manual_seed(0)  # the toolkit's, whatever the seed of the shots
    for _ in range(count):
        order = torch.randperm(len(vectors), generator=stream).to(start.device)
        for first in range(0, len(order), BATCH):
            places = order[first : first + BATCH]
            if len(places) == 1:  # which has no deviation; the toolkit leaves it out
                continue
            rows = vectors[places]
            if not start.unit:
                rows = batch_norm(rows, mean, variance, training=True, momentum=SHARE, eps=LEAST_VARIANCE)
            set_gradients(rows, targets[places], weights, biases, scale=SCALE if start.unit else 1.0)
            optimizer.step()
        yield _head(start, *(each.cpu().double().numpy() for each in (weights, biases, mean, variance)))


def _head(
    start: Start, weights: Parameters, biases: Parameters, mean: Parameters, variance: Parameters
) -> Logits:
    """Turn weights [m, d] and biases [m] for standardised vectors into a head for the vectors themselves."""
    shown = np.arange(len(weights))
    if start.unit:
        return Logits(SCALE * np.vstack([weights.T, biases]), shown, len(shown), of_unit=True)
    # vectors beyond float32 have no variance that is a number
    weights = weights / np.where(np.isfinite(variance), np.sqrt(variance + LEAST_VARIANCE), np.nan)
    with np.errstate(invalid="ignore"):
        biases = biases - weights @ mean
    return Logits(np.vstack([weights.T, biases]), shown, len(shown))
