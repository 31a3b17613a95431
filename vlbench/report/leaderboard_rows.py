"""What a row of the leaderboard holds beside its scores: averages over collections, a mean rank, facts."""

from collections.abc import Iterable, Sequence

from vlbench.core.result import Result, Timing, ZeroShot
from vlbench.report.averages import MEAN, MEAN_RANK, Averages, Columns, Scores
from vlbench.report.csv_text import csv_text, number
from vlbench.report.seeds import row_of

CARD_FACTS = ("family", "parameters", "gflops", "image_size", "licence")
ROW_FACTS = ("family", "parameters", "gflops", "image_size", "images_per_second", "licence", "zero_shot")
"""The last columns of `leaderboard.csv`, facts of the row's models."""


def leaderboard_text(scores: Scores, by_task: Columns, found: Averages) -> str:
    """The text of `leaderboard.csv`: a row's score on each task, averages, its mean rank, and its facts.

    Collections and mean ranks that no row has are left out; rows of seeds have no rank.
    """
    tasks = sorted(by_task)
    members = _members(by_task.values())
    columns = {**found.collections, MEAN_RANK: found.mean_rank}
    shown = {
        name: cells for name, cells in columns.items() if any(cell is not None for cell in cells.values())
    }
    lines = [
        [
            row,
            *(number(scores[row].get(task)) for task in tasks),
            number(found.mean[row]),
            *(number(cells[row]) for cells in shown.values()),
            *row_facts(members.get(row, ())).values(),
        ]
        for row in sorted(scores)
    ]
    return csv_text(["model", *tasks, MEAN, *shown, *ROW_FACTS], lines)


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
