"""Tables for a terminal: what a run found, and the leaderboard."""

import csv
from collections.abc import Iterable, Mapping

from tabulate import MIN_PADDING, tabulate

from vlbench.core.result import Result
from vlbench.report.comparable import Question
from vlbench.report.tables.row_facts import ROW_FACTS
from vlbench.report.tables.seeds import Spread, spread_of

WIDTH = 100
"""Columns that a run's table fits into."""

_NARROWEST = 12


def summary_table(results: Iterable[Result]) -> str:
    """A row a result: its primary metric as a fraction with the 95 % interval, images and images/s.

    Seeds of one leaderboard row have a further row for their mean and standard deviation. Partial results
    carry a star, explained below the table; a dash stands for what was not measured. Names of models and
    tasks are wrapped, and nothing else, where the table would be too wide.
    """
    rows, cells = list(results), []
    head = ["model", "task", "metric", "value [95 % interval]", "images", "images/s"]
    for row in rows:
        primary, speed = row.metric(row.primary), row.timing.images_per_second
        value = "-" if primary.value is None else f"{primary.value:.3f}"
        if primary.ci_low is not None and primary.ci_high is not None:
            value += f" [{primary.ci_low:.3f}, {primary.ci_high:.3f}]"
        task = f"{row.task}*" if row.partial else row.task
        fast = "-" if speed is None else f"{speed:.0f}"
        cells.append([row.model, task, row.primary, value, str(row.n_images), fast])
    cells += _rows_of_seeds(rows)
    padded = [name + MIN_PADDING * " " for name in head]
    widths = [max(map(len, column)) for column in zip(padded, *cells, strict=True)]
    room = WIDTH - sum(widths[2:]) - 2 * (len(widths) - 1)
    short = max(min(widths[1], room // 2), room - widths[0], _NARROWEST)
    table = tabulate(
        cells,
        headers=head,
        tablefmt="simple",
        disable_numparse=True,
        colalign=("left", "left", "left", "left", "right", "right") if cells else None,
        maxcolwidths=[max(room - short, _NARROWEST), short, None, None, None, None],
    )
    reasons = dict.fromkeys(f"* partial: {row.task}: {row.partial}" for row in rows if row.partial)
    return "\n".join([table, *reasons])


def leaderboard_table(text: str, spreads: Mapping[tuple[str, str], Spread] | None = None) -> str:
    """The text of `leaderboard.csv` as a table with four decimals; a dash where a row has no score.

    `spreads` by row and task show what several seeds scored: `0.871 ± 0.004`. Facts of the models are left to
    the CSV.
    """
    whole, *rows = csv.reader(text.splitlines())
    facts = len(ROW_FACTS) if tuple(whole[-len(ROW_FACTS) :]) == ROW_FACTS else 0
    head = whole[: len(whole) - facts]
    known = spreads or {}
    cells = [
        [row, *(_cell(cell, known.get((row, task))) for task, cell in zip(head[1:], cells, strict=False))]
        for row, *cells in rows
    ]
    align = ("left", *["right"] * (len(head) - 1)) if cells else None
    return tabulate(cells, headers=head, tablefmt="simple", disable_numparse=True, colalign=align)


def _cell(cell: str, spread: Spread | None) -> str:
    if not cell:
        return "-"
    return f"{float(cell):.4f}" if spread is None or spread.deviation is None else str(spread)


def _rows_of_seeds(results: Iterable[Result]) -> list[list[str]]:
    groups: dict[tuple[str, Question], list[Result]] = {}
    for result in results:
        if result.replicate_of and not result.partial:
            groups.setdefault((result.replicate_of, Question.of(result)), []).append(result)
    return [
        [
            row,
            members[0].task,
            members[0].primary,
            f"{spread_of(members, members[0].primary)} ({len(members)} seeds)",
            str(members[0].n_images),
            "-",
        ]
        for (row, _), members in groups.items()
        if len(members) > 1
    ]
