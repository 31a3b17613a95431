"""From results to what a site shows: rows, tasks and standings, independent of the order of runs."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from statistics import fmean, median

from vlbench.core.measurement import Measurement, Part
from vlbench.core.result import Result
from vlbench.report.csv_text import read_csv
from vlbench.report.known_results import NOTHING_KEPT, Kept
from vlbench.report.site.values import (
    CardNotes,
    Cost,
    Joined,
    PartLine,
    Parts,
    Score,
    Site,
    SiteRow,
    Standing,
    TaskView,
)
from vlbench.report.tables.averages import MEAN, Averages, averages
from vlbench.report.tables.costs import COSTS, SPEED, speed_text
from vlbench.report.tables.few_shot import few_shot_curves, primary_curves
from vlbench.report.tables.leaderboard import ALL, LEADERBOARD, leaderboards
from vlbench.report.tables.notes import notes
from vlbench.report.tables.robustness import ROBUSTNESS
from vlbench.report.tables.row_facts import ROW_FACTS, zero_shot_of
from vlbench.report.tables.seeds import by_row, spread_of
from vlbench.report.tables.steps import step_curves

SHOWN_PARTS = 6
"""How many models a task's page shows by class or tag."""


def site_of(results: Iterable[Result], joined: Joined | None = None, kept: Kept = NOTHING_KEPT) -> Site:
    """Everything that a site shows about results, without partial ones and those with a rarer protocol.

    `kept` has tables that were made of them before.

    Raises:
        DataError: as `leaderboards`.
    """
    together = joined or Joined()
    known = list(results)
    found = averages(known, together.additions)
    by_task = found.by_task
    texts = leaderboards(known, together.additions, kept, found)
    header, lines = _table(texts[LEADERBOARD])
    rows = _rows(found, {line["model"]: line for line in lines})
    left_out = notes(known, together.additions, found)
    facts = (*ROW_FACTS, SPEED)
    others = [
        name for name in (*header[1:], SPEED) if name not in by_task and any(row.cells[name] for row in rows)
    ]
    _, robustness = _table(texts.get(ROBUSTNESS, ""))
    return Site(
        # the highest mean first, rows without one last
        rows=tuple(sorted(rows, key=lambda row: (-float(row.cells.get(MEAN) or -1), row.name))),
        tasks=tuple(
            _task_view(task, members, together, robustness, left_out) for task, members in by_task.items()
        ),
        header=header,
        summaries=tuple(name for name in others if name not in facts),
        facts=tuple(name for name in others if name in facts),
        left_out=left_out,
        averaged=found.tasks,
        csvs={path: text for path, text in texts.items() if path not in (ALL, COSTS)},
        joined=together,
        curves=primary_curves(few_shot_curves(by_task, found.seeds)[0]),
        training=primary_curves(step_curves(by_task)),
    )


def value_of(result: Result, metric: str) -> Measurement | None:
    """The measurement of a metric in a result; None if it was not measured."""
    return next((each for each in result.metrics if each.metric == metric), None)


def score_of(members: Sequence[Result], metric: str) -> Score:
    """The score of a metric over the results of a row: with its interval, or the spread over several
    seeds."""
    if len(members) > 1 or members[0].replicate_of:
        spread = spread_of(members, metric)
        count = f"{len(members)} seed{'s' if len(members) > 1 else ''}"
        deviation = "" if spread.deviation is None else f", standard deviation {spread.deviation:.4f}"
        return Score(spread.mean, note=f"mean of {count}{deviation}")
    return own_score(members[0], metric)


def own_score(result: Result, metric: str) -> Score:
    """The score of a metric in one result, with its interval."""
    value = value_of(result, metric)
    return Score(None) if value is None else Score(value.value, value.ci_low, value.ci_high)


def standings(rows: Iterable[SiteRow], task: TaskView) -> dict[str, Standing]:
    """The standing of every row with a result on a task. Ranks are those of the paired tests."""
    scores = {row.name: row.scores[task.name] for row in rows if task.name in row.scores}
    values = [score.value for score in scores.values() if score.value is not None]
    best = (min if task.one.lower_is_better else max)(values, default=None)
    middle = median(values) if values else None
    found = {}
    for name, score in scores.items():
        rank = task.ranks.get(name)
        # seeds of a row are ranked one by one
        of = len(values) if rank is None else len(task.ranks)
        found[name] = Standing(score, rank, of, best, middle)
    return found


def most_used(costs: Iterable[Cost]) -> str:
    """The device with the most measured speeds; of equal ones the first by name, empty for none."""
    devices = [cost.device for cost in costs if cost.images_per_second is not None]
    return min(set(devices), key=lambda name: (-devices.count(name), name), default="")


def mean_costs(row: SiteRow) -> Cost:
    """The cost of a row over its tasks: median images/s on the device that most of its runs used."""
    costs = list(row.costs.values())
    gflops = next((cost.gflops for cost in costs if cost.gflops is not None), None)
    device = most_used(costs)
    speeds = [cost.images_per_second for cost in costs if cost.device == device]
    known = [speed for speed in speeds if speed is not None]
    return Cost(gflops, median(known), device) if known else Cost(gflops)


def _table(text: str) -> tuple[tuple[str, ...], list[Mapping[str, str]]]:
    """The header of a CSV and its lines by column; empty without a text."""
    header, *lines = read_csv(text) or [[]]
    return tuple(header), [dict(zip(header, line, strict=True)) for line in lines]


def _rows(found: Averages, cells: Mapping[str, Mapping[str, str]]) -> list[SiteRow]:
    members: dict[str, dict[str, tuple[Result, ...]]] = {}
    for task, results in found.by_task.items():
        for name, own in by_row(results).items():
            members.setdefault(name, {})[task] = tuple(own)
    rows = []
    for name, tasks in sorted(members.items()):
        # a row that lacks a seed has no score: means over different seeds do not compare
        whole = {task: found.scores[name][task] is not None for task in tasks}
        rows.append(
            SiteRow(
                name=name,
                cells={**cells[name], SPEED: speed_text(chain.from_iterable(tasks.values()))},
                scores={
                    task: score_of(own, own[0].primary) if whole[task] else Score(None)
                    for task, own in tasks.items()
                },
                zero_shot={task: zero_shot_of(own) for task, own in tasks.items()},
                results=tasks,
                costs={task: _cost(own) for task, own in tasks.items()},
            )
        )
    return rows


def _cost(results: Sequence[Result]) -> Cost:
    speeds = [each.timing.images_per_second for each in results]
    known = [speed for speed in speeds if speed is not None]
    gflops = next((each.facts["gflops"] for each in results if "gflops" in each.facts), None)
    settings = results[0].settings
    device = str(settings.get("device_name", settings.get("device", "")))
    return Cost(
        float(gflops) if gflops is not None else None,
        fmean(known) if known else None,
        f"{device}, {settings.get('precision', 'fp32')}",
    )


def _task_view(
    task: str,
    members: Sequence[Result],
    joined: Joined,
    robustness: Sequence[Mapping[str, str]],
    left_out: Sequence[str],
) -> TaskView:
    """A task, with its lines from the robustness table and on what is left out."""
    results = sorted(members, key=lambda each: (-_height(each), each.model))
    measured = (value.metric for each in members for value in each.metrics)
    return TaskView(
        name=task,
        metrics=tuple(dict.fromkeys([results[0].primary, *measured])),
        results=tuple(results),
        ranks=joined.additions.ranks.get(task, {}),
        robustness=tuple(line for line in robustness if line["task"] == task),
        parts=_parts(results),
        beside=tuple(each for each in joined.beside if each.task == task),
        published=joined.published.get(task, ()),
        mistakes=tuple(each for each in joined.mistakes if each.task == task),
        notes=joined.tasks.get(task, CardNotes()),
        left_out=tuple(line for line in left_out if line.startswith(f"{task}: ")),
    )


def _height(result: Result) -> float:
    if result.score is None:
        return -math.inf
    return -result.score if result.lower_is_better else result.score


def _parts(results: Sequence[Result]) -> Parts | None:
    """The first metric with the most parts, for the best models that have it, by the names of the parts."""
    found = [each for result in results for each in result.metrics if each.parts]
    if not found:
        return None
    metric = max(found, key=lambda each: len(each.parts)).metric
    chosen: list[tuple[str, Mapping[tuple[str, int], Part]]] = []
    for result in results:
        value = value_of(result, metric)
        if value is not None and value.parts and len(chosen) < SHOWN_PARTS:
            chosen.append((result.model, _by_name(value.parts)))
    sizes = {key: part.n for _, parts in reversed(chosen) for key, part in parts.items()}
    lines = []
    for key in dict.fromkeys(key for _, parts in chosen for key in parts):
        values = tuple(parts[key].value if key in parts else None for _, parts in chosen)
        # a class that the data do not show is none that is hard
        if any(value is not None for value in values):
            lines.append(PartLine(key[0], sizes[key], values))
    lines.sort(key=lambda line: median(value for value in line.values if value is not None))
    return Parts(metric, tuple(model for model, _ in chosen), tuple(lines))


def _by_name(parts: Sequence[Part]) -> dict[tuple[str, int], Part]:
    """Parts by name, and by how many parts with this name came before."""
    seen: Counter[str] = Counter()
    found = {}
    for part in parts:
        found[part.name, seen[part.name]] = part
        seen[part.name] += 1
    return found
