"""What a row of the leaderboard holds beside its scores: averages over collections, a mean rank, facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from vlbench.core.result import Result, Timing, ZeroShot
from vlbench.core.robustness import RobustnessFit
from vlbench.report.csv_text import csv_text, number
from vlbench.report.seeds import row_of

MEAN = "mean"
MEAN_RANK = "mean_rank"
CARD_FACTS = ("family", "parameters", "gflops", "image_size", "licence")
ROW_FACTS = ("family", "parameters", "gflops", "image_size", "images_per_second", "licence", "zero_shot")
"""The last columns of `leaderboard.csv`, facts of the row's models."""

Scores = Mapping[str, Mapping[str, float | None]]
Ranks = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Additions:
    """What tables show beside results: collections of tasks, ranks by task and model, fits of robustness."""

    collections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranks: Ranks = field(default_factory=dict)
    fits: tuple[RobustnessFit, ...] = ()


NO_ADDITIONS = Additions()


def leaderboard_text(
    scores: Scores, by_task: Mapping[str, Sequence[Result]], additions: Additions = NO_ADDITIONS
) -> str:
    """The text of `leaderboard.csv`: a row's score on each task, averages, its mean rank, and its facts.

    `mean` is over all tasks, where a row has them all; a collection's over its members, where a row has them
    all, and `mean_rank` that of the ranks on all tasks. Collections and mean ranks that no row has are left
    out; rows of seeds have no rank.
    """
    tasks = sorted(by_task)
    members = _members(by_task.values())
    means = {row: mean_of(scores[row], tasks) for row in scores}
    columns: dict[str, dict[str, float | None]] = {
        name: {row: mean_of(scores[row], of) for row in scores}
        for name, of in sorted(additions.collections.items())
    }
    columns[MEAN_RANK] = {row: mean_rank(row, tasks, additions.ranks) for row in scores}
    shown = {
        name: cells for name, cells in columns.items() if any(cell is not None for cell in cells.values())
    }
    lines = [
        [
            row,
            *(number(scores[row].get(task)) for task in tasks),
            number(means[row]),
            *(number(cells[row]) for cells in shown.values()),
            *row_facts(members.get(row, ())).values(),
        ]
        for row in sorted(scores)
    ]
    return csv_text(["model", *tasks, MEAN, *shown, *ROW_FACTS], lines)


def mean_of(scores: Mapping[str, float | None], tasks: Sequence[str]) -> float | None:
    """The mean over tasks, None where one of them has no score.

    >>> mean_of({"a": 0.5, "b": 1.0}, ["a", "b"]), mean_of({"a": 0.5}, ["a", "b"])
    (0.75, None)
    """
    known = [score for task in tasks if (score := scores.get(task)) is not None]
    return sum(known) / len(known) if known and len(known) == len(tasks) else None


def mean_rank(model: str, tasks: Sequence[str], ranks: Ranks) -> float | None:
    """The mean of a model's ranks on tasks, None where it has none on one of them; lower is better."""
    known = [rank for task in tasks if (rank := ranks.get(task, {}).get(model)) is not None]
    return fmean(known) if known and len(known) == len(tasks) else None


def row_facts(results: Sequence[Result]) -> dict[str, object]:
    """The facts of a row, empty where its results do not say."""
    facts: dict[str, object] = {name: _first(each.facts.get(name) for each in results) for name in CARD_FACTS}
    facts["images_per_second"] = speed_text(results)
    facts["zero_shot"] = zero_shot_of(results)
    return {name: facts[name] for name in ROW_FACTS}


def zero_shot_of(results: Sequence[Result]) -> ZeroShot:
    """Whether a row is zero-shot on all of its tasks: no if one is not, unknown if one is unknown."""
    stated = {each.zero_shot for each in results}
    if "no" in stated:
        return "no"
    return "yes" if stated == {"yes"} else "unknown"


def speed_text(results: Iterable[Result]) -> str:
    """Images encoded a second over all results of one device, with one decimal; empty if none encoded any.

    The device is the one that encoded most images, of equal ones the first by name.
    """
    devices: dict[str, list[Timing]] = {}
    for result in results:
        if result.timing.images_per_second is not None:
            name = result.settings.get("device_name") or result.settings.get("device")
            devices.setdefault(str(name), []).append(result.timing)
    totals = [
        (-sum(each.images_encoded for each in timings), name, sum(_seconds(each) for each in timings))
        for name, timings in devices.items()
    ]
    images, _, seconds = min(totals, default=(0, "", 0.0))
    return f"{-images / seconds:.1f}" if images and seconds > 0 else ""


def _seconds(timing: Timing) -> float:
    return timing.encode_images_seconds


def _members(columns: Iterable[Sequence[Result]]) -> dict[str, list[Result]]:
    members: dict[str, list[Result]] = {}
    for results in columns:
        for result in results:
            members.setdefault(row_of(result), []).append(result)
    return members


def _first(values: Iterable[object]) -> object:
    return next((value for value in values if value not in (None, "")), "")
