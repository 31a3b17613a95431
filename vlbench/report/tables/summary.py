"""The results of a run as a table for a terminal."""

from collections.abc import Iterable

from vlbench.core.measurement import Measurement
from vlbench.core.result import Result
from vlbench.core.visible import visible
from vlbench.report.comparable import Question
from vlbench.report.table import Table, decimals, with_interval
from vlbench.report.tables.seeds import spread_of


def summary_table(results: Iterable[Result], width: int | None = None) -> str:
    """One row per result: its primary metric with the 95 % interval, what chance and the best constant answer
    give, images and images/s.

    The latter are empty where the metric states none. Seeds of one leaderboard row get a further row with
    their mean and standard deviation. Partial results have a star, explained below the table; a dash means
    not measured. With a `width` in characters, what does not fit is in a table below, with the same models
    and tasks.
    """
    rows, cells = list(results), []
    head = ["model", "task", "metric", "value [95 % interval]", "chance", "constant", "images", "images/s"]
    for row in rows:
        primary, speed = row.metric(row.primary), row.timing.images_per_second
        value = with_interval(primary.value, primary.ci_low, primary.ci_high, 3)
        task = f"{row.task}*" if row.partial else row.task
        size = str(row.n_images)
        cells.append([row.model, task, row.primary, value, *_beside(primary), size, decimals(speed, 0)])
    seeds: dict[tuple[str, Question], list[Result]] = {}
    for row in rows:
        if row.replicate_of and not row.partial:
            seeds.setdefault((row.replicate_of, Question.of(row)), []).append(row)
    for (name, _), members in seeds.items():
        if len(members) > 1:
            one = members[0]
            value = f"{spread_of(members, one.primary)} ({len(members)} seeds)"
            beside = _beside(one.metric(one.primary))
            cells.append([name, one.task, one.primary, value, *beside, str(one.n_images), "-"])
    table = Table(head, cells, right=head[4:]).text(width=width, keys=2)
    reasons = dict.fromkeys(visible(f"* partial: {row.task}: {row.partial}") for row in rows if row.partial)
    return "\n".join([table, *reasons])


def _beside(measured: Measurement) -> list[str]:
    return ["" if level is None else decimals(level, 3) for level in (measured.chance, measured.constant)]
