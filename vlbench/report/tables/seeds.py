"""Seeds of one row: results with `replicate_of`, their mean and standard deviation on each task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from vlbench.core.errors import DataError
from vlbench.core.result import Result
from vlbench.report.comparable import columns
from vlbench.report.table import Table, decimals, number

SEEDS = "seeds.csv"
METHOD = "settings or code of its method"
"""The word for the difference, if results of one row have several digests of a method."""
SEEDS_HEAD = ("model", "task", "metric", "mean", "std", "n_seeds", "seeds")


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """A metric over seeds: the mean and the sample standard deviation (divisor n - 1).

    The mean is None if a seed could not be measured; so is the deviation, also for a single seed.
    """

    mean: float | None
    deviation: float | None

    def __str__(self) -> str:
        """Three decimals, `0.871 ± 0.004`; a dash without a mean."""
        return decimals(self.mean, 3) + ("" if self.deviation is None else f" ± {self.deviation:.3f}")


def row_of(result: Result) -> str:
    """The leaderboard row of a result: its model, or the row of seeds that the model belongs to."""
    return result.replicate_of or result.model


def by_row(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Results by the leaderboard row that they belong to, in their order."""
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(row_of(result), []).append(result)
    return rows


def seeds_by_row(results: Iterable[Result]) -> dict[str, frozenset[str]]:
    """The models that are seeds of each row, over all tasks.

    Raises:
        DataError: a model has the name of such a row.
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
    by_task: Mapping[str, Sequence[Result]],
    seeds: Mapping[str, frozenset[str]],
    metrics: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, dict[str, float | None]]:
    """The score of every row on every task that it was run on: the primary metric, or the mean of other
    metrics.

    `metrics` names the metrics of a task to use instead of its primary one. A row of seeds has the mean of
    its seeds; none if a seed is missing or repeated, since means over different seeds are not comparable.
    """
    asked = metrics or {}
    scores: dict[str, dict[str, float | None]] = {}
    for task, results in by_task.items():
        for row, members in by_row(results).items():
            complete = {each.model for each in members} == seeds.get(row, {row})
            found = [_averaged(members, each) for each in asked.get(task, [members[0].primary])]
            whole = complete and all(found)
            scores.setdefault(row, {})[task] = fmean([fmean(each) for each in found]) if whole else None
    return scores


def spread_of(members: Sequence[Result], metric: str) -> SeedSpread:
    """Average a metric over the results of one task and row; None if a result lacks it.

    A row with a repeated seed, or with seeds from several states of a method, has no mean either.
    """
    known = _averaged(members, metric)
    if not known:
        return SeedSpread(None, None)
    return SeedSpread(fmean(known), stdev(known) if len(known) > 1 else None)


def _averaged(members: Sequence[Result], metric: str) -> list[float]:
    """The values that the mean of a row is over; empty where it has none."""
    values = [each.value for result in members for each in result.metrics if each.metric == metric]
    known = [value for value in values if value is not None]
    several = len(members) > 1 and (_repeated(members) or _by_several_methods(members))
    return [] if len(known) < len(members) or several else known


def spreads(results: Iterable[Result]) -> dict[tuple[str, str], SeedSpread]:
    """Spreads of the primary metric by row and task, for rows of seeds only."""
    return {
        (row, task): spread_of(members, members[0].primary)
        for task, column in columns(results).items()
        for row, members in by_row(column.kept).items()
        if members[0].replicate_of
    }


def seeds_text(by_task: Mapping[str, Sequence[Result]]) -> str:
    """The text of `seeds.csv`: every metric of every row of seeds on every task; empty without such rows."""
    lines = []
    for task, results in by_task.items():
        for row, members in by_row(results).items():
            if not members[0].replicate_of:
                continue
            measured = (value.metric for each in members for value in each.metrics)
            for metric in dict.fromkeys([members[0].primary, *measured]):
                spread = spread_of(members, metric)
                mean, deviation = number(spread.mean), number(spread.deviation)
                models = [each.model for each in members]
                lines.append([row, task, metric, mean, deviation, len(models), " ".join(models)])
    lines.sort(key=lambda line: line[:2])  # stable: metrics keep their order
    return Table(SEEDS_HEAD, lines).csv() if lines else ""


def seed_notes(
    by_task: Mapping[str, Sequence[Result]],
    seeds: Mapping[str, frozenset[str]],
    partial: Iterable[Result] = (),
) -> tuple[str, ...]:
    """Lines about rows of seeds that have no mean or lack a seed, one for each row and task.

    `partial` are the partial results; a seed with no other results does not count.
    """
    lines = []
    for task, results in by_task.items():
        for row, members in by_row(results).items():
            missing = sorted(seeds.get(row, frozenset()) - {each.model for each in members})
            if missing:
                lines.append(
                    f"{task}: no mean of {row}, {len(members)} of {len(seeds[row])} seeds have it; "
                    f"run {', '.join(missing)}"
                )
            repeated = _repeated(members)
            if repeated:
                lines.append(
                    f"{task}: no mean of {row}, {' and '.join(repeated)} are one seed; delete the results of "
                    "all but one of them"
                )
            if _by_several_methods(members):
                lines.append(f"{task}: no mean of {row}, its seeds are of other {METHOD}; run them again")
    alone: dict[str, set[str]] = {}
    for each in partial:
        if each.replicate_of in seeds and each.model not in seeds[each.replicate_of]:
            alone.setdefault(each.replicate_of, set()).add(each.model)
    for row, models in sorted(alone.items()):
        lines.append(
            f"{row}: in no mean: {', '.join(sorted(models))}, of partial results alone; run it whole"
        )
    return tuple(lines)


def _repeated(members: Sequence[Result]) -> tuple[str, ...]:
    """Find seeds of a row that are one model under several names: their digests and numbers are equal.

    Seeds of a method use one model, and may have equal numbers.
    """
    if len(members) < 2:
        return ()
    found: dict[object, list[str]] = {}
    for each in members:
        seed = each.settings.get("seed") if each.method else None
        found.setdefault((each.digests.get("model"), seed, each.metrics), []).append(each.model)
    return tuple(model for models in found.values() if len(models) > 1 for model in models)


def _by_several_methods(members: Sequence[Result]) -> bool:
    return len({each.digests.get("method") for each in members}) > 1
