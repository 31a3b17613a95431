"""How often the paired tests of `vlbench compare` and ranks call equally good models different.

Under the null hypothesis a test at the 5 % level should do so in about 5 % of all runs, before Holm. Hits
of the two models share a part that both see alike, and so do the scores of tags. The mid-p test should lie
between 4 and 6 %, the exact one below it, random signs of recall between 4 and 6 %, the bootstrap of mean
average precision and random signs of mean per-class recall, with classes of one image or without, between 3
and 7 %. Of ten equally good models one may lose its place on 7 % of data sets.
Run: python bench/paired_tests.py
"""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from vlbench.core.items import Items
from vlbench.core.measurement import Measurement
from vlbench.report.paired.comparison import tested
from vlbench.report.paired.paired_tests import LEVEL, exact_mcnemar, mid_p_mcnemar
from vlbench.report.results import read_results
from vlbench.report.tables.column_ranks import column_ranks

HIT_RUNS = 20_000
RANK_RUNS = 1_000
RUNS = 2_000
SHARED = 0.5
"""Share of the variance that both models have in common."""


@dataclass(frozen=True, slots=True)
class Band:
    """What a rate was, and where it should lie."""

    name: str
    rate: float
    low: float
    high: float

    def __str__(self) -> str:
        """A line with the rate in percent."""
        wrong = "" if self.low <= self.rate <= self.high else "  OUTSIDE"
        return (
            f"{self.name:58s}{100 * self.rate:6.2f} %  ({100 * self.low:g} to {100 * self.high:g} %){wrong}"
        )


def pairs_of_hits(generator: np.random.Generator, images: int, share: float) -> NDArray[np.int64]:
    """How many images either model alone gets right, [runs, 2], where each is right on a share of them."""
    common = generator.standard_normal((HIT_RUNS, images), dtype=np.float32)
    cut = np.quantile(generator.standard_normal(1_000_000), 1 - share)
    first, second = (
        np.sqrt(SHARED) * common
        + np.sqrt(1 - SHARED) * generator.standard_normal(common.shape, dtype=np.float32)
        > cut
        for _ in range(2)
    )
    return np.stack([(first & ~second).sum(axis=1), (second & ~first).sum(axis=1)], axis=1)


def hit_bands(generator: np.random.Generator) -> list[Band]:
    """Rates of both tests of McNemar at 200 and 1,000 images."""
    bands = []
    for images in (200, 1_000):
        for share in (0.6, 0.8):
            a_only, b_only = pairs_of_hits(generator, images, share).T
            mid, exact = (
                float(np.mean(test(a_only, b_only) < LEVEL)) for test in (mid_p_mcnemar, exact_mcnemar)
            )
            what = f"{images} images, {share:.0%} right"
            bands.append(Band(f"McNemar, mid-p: {what}", mid, 0.04, 0.06))
            bands.append(Band(f"McNemar, exact: {what}", exact, 0.0, mid))
    return bands


def map_band(generator: np.random.Generator, *, images: int, tags: int, rarest: float) -> Band:
    """The rate of the bootstrap of mAP; tags are true of a share of the images, from 30 % to `rarest`."""
    prevalences = np.geomspace(0.3, rarest, tags)
    rejected = 0
    for run in range(RUNS):
        relevant = generator.random((images, tags)) < prevalences
        positives = np.argwhere(relevant)
        common = generator.standard_normal(relevant.shape)
        models = [
            np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * generator.standard_normal(relevant.shape)
            for _ in range(2)
        ]
        items = [
            Items(scores=(scores + 1.5 * relevant).astype(np.float32), positives=positives)
            for scores in models
        ]
        p = tested(MAP, items[0], MAP, items[1], seed=run).p
        rejected += p is not None and p < LEVEL
    name = f"mAP bootstrap: {images} images, {tags} tags down to {rarest:.0%}"
    return Band(name, rejected / RUNS, 0.03, 0.07)


def recall_band(generator: np.random.Generator, *, images: int, captions: int) -> Band:
    """The rate of random signs of recall; captions of an image are as much alike as two models."""
    owners = np.repeat(np.arange(images), captions)
    rejected = 0
    for run in range(RUNS):
        common = generator.standard_normal(images)[owners] + generator.standard_normal(owners.size)
        items = []
        for _ in range(2):
            own = generator.standard_normal(images)[owners] + generator.standard_normal(owners.size)
            ranks = np.where(common + own > 0, 1, 2)
            items.append(Items(image_ranks=np.ones(images, np.int64), text_ranks=ranks, text_images=owners))
        p = tested(RECALL, items[0], RECALL, items[1], seed=run).p
        rejected += p is not None and p < LEVEL
    return Band(f"recall, random signs: {images} images of {captions} captions", rejected / RUNS, 0.04, 0.06)


def _class_hits(
    generator: np.random.Generator, sizes: list[int], low: float, high: float, models: int
) -> NDArray[np.bool_]:
    """Which images models get right that have one accuracy on a class, between low and high: [models, n]."""
    chances = np.repeat(generator.uniform(low, high, len(sizes)), sizes)
    common = np.sqrt(SHARED) * generator.standard_normal(chances.size)
    own = np.sqrt(1 - SHARED) * generator.standard_normal((models, chances.size))
    return np.asarray(common + own < np.interp(chances, QUANTILES[:, 0], QUANTILES[:, 1]))


def _on_classes(right: NDArray[np.bool_], classes: NDArray[np.int64]) -> tuple[Measurement, Items]:
    """A model's mean per-class recall with its items."""
    value = float(np.mean(np.bincount(classes, weights=right) / np.bincount(classes)))
    metric = Measurement(value, 1, metric="mean_per_class_recall")
    return metric, Items(image_ranks=np.where(right, 1, 2), classes=classes)


def class_band(generator: np.random.Generator, data: str, low: float, high: float) -> Band:
    """The rate of random signs of mean per-class recall."""
    sizes, rejected = CLASS_SIZES[data], 0
    classes = np.repeat(np.arange(len(sizes)), sizes)
    for run in range(RUNS):
        pair = [_on_classes(each, classes) for each in _class_hits(generator, sizes, low, high, 2)]
        p = tested(*pair[0], *pair[1], seed=run).p
        rejected += p is not None and p < LEVEL
    return Band(f"per-class recall: {data}, {low:.0%} to {high:.0%} right", rejected / RUNS, 0.03, 0.07)


def rank_band(generator: np.random.Generator, data: str, low: float, high: float) -> Band:
    """How often one of ten equally good models is not ranked first."""
    sizes, lost = CLASS_SIZES[data], 0
    classes = np.repeat(np.arange(len(sizes)), sizes)
    for _ in range(RANK_RUNS):
        right = _class_hits(generator, sizes, low, high, 10)
        models = {str(i): _on_classes(each, classes) for i, each in enumerate(right)}
        results = [replace(RESULT, model=name, metrics=(metric,)) for name, (metric, _) in models.items()]
        ranks = column_ranks(results, {name: items for name, (_, items) in models.items()})
        lost += set(ranks.values()) != {1}
    return Band(f"ranks of ten models: {data}, {low:.0%} to {high:.0%} right", lost / RANK_RUNS, 0.0, 0.07)


ZIPF = "Zipf, 40 classes, 302 images, 14 of 1"
CLASS_SIZES = {
    "50 classes of 2 images": [2] * 50,
    "45 of 20, 5 of 1": [20] * 45 + [1] * 5,
    ZIPF: [77, 42, 28, 21, 16, 13, 11, 9, 8, 7, 6, 6, 5, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 2] + [1] * 14,
    "10 of 30, 10 of 1": [30] * 10 + [1] * 10,
    "50 of 1": [1] * 50,
}
MAP = Measurement(0.5, 1, metric="mean_average_precision")
RECALL = Measurement(0.5, 1, metric="image_retrieval_recall@1")
"""Stand-ins: the tests read the items alone."""
RESULT = replace(read_results(Path(__file__).parent.parent / "results")[0], primary="mean_per_class_recall")
"""Any result: ranks read its protocol, its value and the items."""
QUANTILES = np.array([[each, NormalDist().inv_cdf(each)] for each in np.linspace(0.001, 0.999, 999)])


def main() -> None:
    """Print every rate; exit 1 where one is outside its band."""
    generator = np.random.default_rng(0)
    start = time.perf_counter()
    print(f"false positives at the 5 % level, {HIT_RUNS:,} runs of hits, {RUNS:,} of the others")
    bands = hit_bands(generator)
    bands.append(recall_band(generator, images=300, captions=5))
    print(*bands, sep="\n")
    for images, tags, rarest in ((200, 10, 0.03), (200, 20, 0.01)):
        bands.append(map_band(generator, images=images, tags=tags, rarest=rarest))
        print(bands[-1])
    for data in CLASS_SIZES:
        for low, high in ((0.6, 0.6), (0.3, 0.9)):
            bands.append(class_band(generator, data, low, high))
            print(bands[-1])
    for data in (ZIPF, "50 of 1", "50 classes of 2 images"):
        bands.append(rank_band(generator, data, 0.3, 0.9))
        print(bands[-1])
    print(f"{time.perf_counter() - start:.0f} s")
    sys.exit(0 if all(each.low <= each.rate <= each.high for each in bands) else 1)


if __name__ == "__main__":
    main()
