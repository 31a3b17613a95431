"""The classes or tags that moved most between two models."""

from dataclasses import dataclass

import numpy as np

from vlbench.core.items import Contributions, Items
from vlbench.core.measurement import Part
from vlbench.core.result import Result
from vlbench.report.paired.item_values import read_metric

SHOWN = 5
"""How many movers are shown in each direction."""
LEAST = 0.001
"""A class or tag with a smaller change, as a fraction, has not moved."""


@dataclass(frozen=True, slots=True)
class Mover:
    """A class or tag: its accuracy or AP under A and under B, and its number of images `n`."""

    name: str
    value_a: float
    value_b: float
    n: int

    @property
    def difference(self) -> float:
        return self.value_b - self.value_a


def movers(a: Result, items_a: Items, b: Result, items_b: Items) -> tuple[Mover, ...]:
    """The classes or tags that gained most, then those that lost most, each largest first.

    Of equal changes, the one with more images comes first. Changes below `LEAST` do not count.
    """
    moved = _of_classes(a, items_a, items_b) or _of_parts(a, b)
    moved.sort(key=lambda it: (-abs(it.difference), -it.n))
    gained = [each for each in moved if each.difference >= LEAST]
    lost = [each for each in moved if each.difference <= -LEAST]
    return (*gained[:SHOWN], *lost[:SHOWN])


def _of_classes(result: Result, a: Items, b: Items) -> list[Mover]:
    readings = [read_metric(result.primary, items) for items in (a, b)]
    found = [each.right if isinstance(each, Contributions) else each for each in readings]
    known = [right for right in found if right is not None]
    if a.classes is None or len(known) < 2 or a.classes.size != known[0].size:
        return []
    sizes = np.bincount(a.classes, minlength=result.n_texts)
    names = _names(result, sizes.tolist())
    hits = [np.bincount(a.classes, weights=right, minlength=result.n_texts) for right in known]
    return [
        Mover(names[i], float(hits[0][i] / sizes[i]), float(hits[1][i] / sizes[i]), int(sizes[i]))
        for i in np.flatnonzero(sizes)
    ]


def _names(result: Result, sizes: list[int]) -> list[str]:
    """The names of a result's classes, from a metric whose parts have these sizes."""
    for value in result.metrics:
        if [part.n for part in value.parts] == sizes:
            return [part.name for part in value.parts]
    return [f"class {i}" for i in range(result.n_texts)]


def _of_parts(a: Result, b: Result) -> list[Mover]:
    parts: list[tuple[Part, ...]] = [each.metric(each.primary).parts for each in (a, b)]
    return [
        Mover(first.name, first.value, second.value, first.n)
        for first, second in zip(*parts, strict=False)
        if first.value is not None and second.value is not None and first.name == second.name
    ]
