"""Seeds of one row: results that carry `replicate_of`, their mean and standard deviation on each task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from vlbench.core.errors import DataError
from vlbench.core.result import Result
from vlbench.report.comparable import comparable_results
from vlbench.report.csv_text import csv_text, number

SEEDS = "seeds.csv"
SEEDS_HEAD = ("model", "task", "metric", "mean", "std", "n_seeds", "seeds")


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over seeds: the mean, a fraction, and the sample standard deviation (divisor n - 1).

    The mean is None where a seed could not be measured, the deviation there and for a single seed.
    """

    mean: float | None
    deviation: float | None
    models: tuple[str, ...]

    def __str__(self) -> str:
        """Three decimals: `0.871 ± 0.004`; a dash where there is no mean."""
        if self.mean is None:
            return "-"
        return f"{self.mean:.3f}" + ("" if self.deviation is None else f" ± {self.deviation:.3f}")


def row_of(result: Result) -> str:
    """The leaderboard row that a result belongs to: its model, or what the model is one seed of."""
    return result.replicate_of or result.model


def seeds_by_row(results: Iterable[Result]) -> dict[str, frozenset[str]]:
    """The models that are seeds of each row, on whatever task.

    Raises:
        DataError: a model bears the name of such a row.
    """
    seeds: dict[str, set[str]] = {}
    alone = set()
    for result in results:
        if result.replicate_of:
            seeds.setdefault(result.replicate_of, set()).add(result.model)
        else:
            alone.add(result.model)
    for row in sorted(alone & seeds.keys()):
        raise DataError(
            f"{row} is a model, and the row of the seeds {', '.join(sorted(seeds[row]))}; "
            "rename the model's card or delete its results"
        )
    return {row: frozenset(models) for row, models in seeds.items()}


def row_scores(
    by_task: Mapping[str, Sequence[Result]], seeds: Mapping[str, frozenset[str]]
) -> dict[str, dict[str, float | None]]:
    """The primary metric of every row on every task that it was run on.

    A row of seeds has the mean, and none where a seed of it is missing: means over different seeds do
    not compare.
    """
    scores: dict[str, dict[str, float | None]] = {}
    for task, results in by_task.items():
        for row, members in _by_row(results).items():
            complete = {each.model for each in members} == seeds.get(row, {row})
            spread = spread_of(members, members[0].primary)
            scores.setdefault(row, {})[task] = spread.mean if complete else None
    return scores


def spread_of(members: Sequence[Result], metric: str) -> Spread:
    """A metric over results of one task and row; one that a result lacks was not measured."""
    values = [_value(each, metric) for each in members]
    known = [value for value in values if value is not None]
    models = tuple(each.model for each in members)
    if len(known) < len(values):
        return Spread(None, None, models)
    return Spread(fmean(known), stdev(known) if len(known) > 1 else None, models)


def spreads(results: Iterable[Result]) -> dict[tuple[str, str], Spread]:
    """Spreads of the primary metric by row and task, of rows of seeds alone."""
    return {
        (row, task): spread_of(members, members[0].primary)
        for task, rows in comparable_results(results).items()
        for row, members in _by_row(rows).items()
        if members[0].replicate_of
    }


def seeds_text(by_task: Mapping[str, Sequence[Result]]) -> str:
    """The text of `seeds.csv`: every metric of every row of seeds on every task; empty without such rows."""
    lines = []
    for task, results in by_task.items():
        for row, members in _by_row(results).items():
            if not members[0].replicate_of:
                continue
            measured = (value.metric for each in members for value in each.metrics)
            for metric in dict.fromkeys([members[0].primary, *measured]):
                spread = spread_of(members, metric)
                mean, deviation = number(spread.mean), number(spread.deviation)
                lines.append(
                    [row, task, metric, mean, deviation, len(spread.models), " ".join(spread.models)]
                )
    lines.sort(key=lambda line: line[:2])  # stable: metrics keep their order
    return csv_text(SEEDS_HEAD, lines) if lines else ""


def seed_notes(
    by_task: Mapping[str, Sequence[Result]], seeds: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """A line for each row of seeds and task that some of them lack: which, and what to do."""
    lines = []
    for task, results in by_task.items():
        for row, members in _by_row(results).items():
            missing = sorted(seeds.get(row, frozenset()) - {each.model for each in members})
            if missing:
                lines.append(
                    f"{task}: no mean of {row}, {len(members)} of {len(seeds[row])} seeds have it; "
                    f"run {', '.join(missing)}"
                )
    return tuple(lines)


def _by_row(results: Iterable[Result]) -> dict[str, list[Result]]:
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(row_of(result), []).append(result)
    return rows


def _value(result: Result, metric: str) -> float | None:
    return next((each.value for each in result.metrics if each.metric == metric), None)
