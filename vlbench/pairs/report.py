"""The report of a retrieval: pairs of each class, how near they are, what was like test images."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from vlbench.pairs.hits import SIDES, ClassPairs, Side
from vlbench.pairs.likeness import Likeness

_NAMED = 5
"""How many classes, or likenesses of a kind, a line of the text names."""


@dataclass(frozen=True, slots=True)
class CosineRange:
    """The lowest, the median and the highest cosine."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassReport:
    """A class, the name of its file in `metas`, its pairs, and the spread of its hits' cosines by side."""

    name: str
    file: str
    pairs: int
    cosines: Mapping[Side, CosineRange]


@dataclass(frozen=True, slots=True)
class Report:
    """What was retrieved: `pairs` of a pool of `pool_pairs` by a number of prompts, and class by class.

    `like_tests` are images of the pool that are like test images, `like_others` those that are like an
    earlier image of the pool; none of them was taken. `settings` are those of the search.
    """

    task: str
    pool: str
    model: str
    settings: Mapping[str, object]
    pool_pairs: int
    prompts: int
    pairs: int
    classes: tuple[ClassReport, ...]
    like_tests: tuple[Likeness, ...]
    like_others: tuple[Likeness, ...]
    remarks: tuple[str, ...] = ()

    @property
    def few(self) -> tuple[ClassReport, ...]:
        """The classes that found less than half as many pairs as the median class, fewest first."""
        median = float(np.median([each.pairs for each in self.classes]))
        return tuple(sorted((c for c in self.classes if 2 * c.pairs < median), key=lambda c: c.pairs))

    @property
    def as_json(self) -> str:
        """The report as JSON, indented."""
        said = {**asdict(self), "few": [each.name for each in self.few]}
        return json.dumps(said, ensure_ascii=False, indent=1) + "\n"

    def __str__(self) -> str:
        """The report in lines."""
        return "\n".join(_lines(self))


def class_report(found: ClassPairs, file: str) -> ClassReport:
    """The report of one class."""
    cosines = {side: found.hits.cosine[found.hits.side == place] for place, side in enumerate(SIDES)}
    spread = {
        side: CosineRange(*(round(float(each), 6) for each in np.quantile(values, (0, 0.5, 1))))
        for side, values in cosines.items()
        if len(values)
    }
    return ClassReport(found.name, file, len(found.pairs), spread)


def _lines(report: Report) -> Iterator[str]:
    counts = [each.pairs for each in report.classes]
    yield (
        f"{report.pairs:,} of {report.pool_pairs:,} pairs of {report.pool} for {report.task}, found by "
        f"{report.model} with {report.prompts:,} prompts"
    )
    yield f"pairs a class: {min(counts):,} to {max(counts):,}, median {np.median(counts):,.0f}"
    for side in SIDES:
        spreads = [each.cosines[side] for each in report.classes if side in each.cosines]
        if spreads:
            middle = np.median([each.median for each in spreads])
            low, high = min(each.low for each in spreads), max(each.high for each in spreads)
            yield f"cosines of prompts and {side}s: {low:.3f} to {high:.3f}, median {middle:.3f}"
    if few := report.few:
        named = ", ".join(f"{each.name} ({each.pairs})" for each in few[:_NAMED])
        yield f"classes that found little, {len(few)} of {len(counts)}: {named}{_more(len(few))}"
    for what, found in (("test images", report.like_tests), ("earlier images", report.like_others)):
        for (of, how), count in sorted(Counter((each.of, each.how) for each in found).items()):
            first = next(each for each in found if (each.of, each.how) == (of, how))
            named = f"the first: pair {first.pair}, {first.other}"
            yield f"not taken, as {how} of {what} of {of}: {count:,} ({named})"
    yield from report.remarks


def _more(count: int) -> str:
    return f" and {count - _NAMED} more" if count > _NAMED else ""
