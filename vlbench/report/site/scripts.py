"""Data for the site's scripts: JavaScript files that pass JSON to a function, since file:// cannot fetch."""

import json

from vlbench.report.paired.comparison import Comparison
from vlbench.report.site.addresses import link, row_data, row_link, task_link
from vlbench.report.site.data import score_of
from vlbench.report.site.values import Score, Site, SiteRow

DIGITS = 6
_ZERO_SHOT = {"yes": "y", "no": "n"}


def leaderboard_script(site: Site) -> str:
    """The leaderboard by row. A score is null, a number, or [value, low, high]."""
    others = [*site.summaries, *site.facts]
    columns = [
        {
            "name": task.name,
            "kind": task.one.kind,
            "metric": task.one.primary,
            "page": task_link(task.name),
            "lowIsGood": task.one.lower_is_better,
        }
        for task in site.tasks
    ]
    rows = [
        {
            "name": row.name,
            "page": row_link(row.name),
            "cells": [row.cells[name] for name in others],
            "zeroShot": "".join(_ZERO_SHOT.get(row.zero_shot.get(task.name, ""), "u") for task in site.tasks),
            "scores": [_compact(row.scores.get(task.name)) for task in site.tasks],
        }
        for row in site.rows
    ]
    data = {"header": site.header, "tasks": columns, "others": others, "facts": site.facts, "rows": rows}
    return _call("leaderboard", data)


def names_script(site: Site) -> str:
    """The names of all rows with the paths of their scores, and the averaged tasks, for the comparison
    page."""
    rows = [[row.name, link(row_data(row.name)), row_link(row.name)] for row in site.rows]
    tasks = [[task.name, task_link(task.name), task.name in site.averaged] for task in site.tasks]
    return _call(
        "names", {"rows": rows, "tasks": tasks, "paired": [_paired(each) for each in site.joined.paired]}
    )


def row_script(row: SiteRow) -> str:
    """Every metric of a row, task by task, with the protocol it follows.

    Tasks and metrics are pairs: an object of JavaScript has fields of its own, such as `constructor`.
    """
    tasks = []
    for task, results in row.results.items():
        one = results[0]
        metrics = [(each.metric, _compact(score_of(results, each.metric))) for each in one.metrics]
        told = {"protocol": one.protocol_digest[:8], "primary": one.primary, "metrics": metrics}
        tasks.append((task, told))
    return _call("row", {"name": row.name, "tasks": tasks})


def _compact(score: Score | None) -> object:
    if score is None or score.value is None:
        return None
    value = round(score.value, DIGITS)
    if score.low is None or score.high is None:
        return value
    return [value, round(score.low, DIGITS), round(score.high, DIGITS)]


def _paired(each: Comparison) -> dict[str, object]:
    """A comparison for the comparison page; p is adjusted over the tasks (Holm)."""
    numbers = {"difference": each.difference, "low": each.test.ci_low, "high": each.test.ci_high}
    return {
        "a": each.model_a,
        "b": each.model_b,
        "task": each.task,
        "metric": each.metric,
        "method": each.test.method,
        "p": None if each.p_holm is None else float(f"{each.p_holm:.3g}"),
        **{name: None if value is None else round(value, DIGITS) for name, value in numbers.items()},
    }


def _call(function: str, value: object) -> str:
    """A script that passes a value to a function.

    U+2028 and U+2029 end lines in older scripts, so they are escaped.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for separator in ("\u2028", "\u2029"):
        text = text.replace(separator, f"\\u{ord(separator):x}")
    return f"vlbench.{function}({text});\n"
