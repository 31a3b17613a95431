"""Comparisons with published scores as text, JSON, CSV and Markdown."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal

from tabulate import tabulate

from vlbench.report.exchange.verify import Comparison, Verdict
from vlbench.report.tables.csv_text import csv_text, number

Form = Literal["text", "json", "csv", "markdown"]
FORMS: tuple[Form, ...] = ("text", "json", "csv", "markdown")

_COLUMNS: Mapping[str, Callable[[Comparison], object]] = {
    "model": lambda each: each.model,
    "task": lambda each: each.task,
    "metric": lambda each: each.metric,
    "value": lambda each: number(each.value),
    "ci_low": lambda each: number(each.ci_low),
    "ci_high": lambda each: number(each.ci_high),
    "published": lambda each: each.published.printed,
    "published_task": lambda each: each.published.task,
    "difference": lambda each: number(each.difference),
    "verdict": lambda each: each.verdict,
    "reason": lambda each: each.reason,
    "source": lambda each: each.published.source,
    "notes": lambda each: each.published.notes,
}
_JUDGEMENT_WIDTH = 40
_SOURCE_WIDTH = 34


def comparisons_text(comparisons: Sequence[Comparison], form: Form) -> str:
    """Comparisons in a form; the text ends with how many there are of each verdict."""
    match form:
        case "json":
            rows = [_as_json(each) for each in comparisons]
            return json.dumps(rows, indent=1, ensure_ascii=False)
        case "csv":
            lines = ([say(each) for say in _COLUMNS.values()] for each in comparisons)
            return csv_text([*_COLUMNS], lines).rstrip("\n")
        case "markdown":
            return _markdown(comparisons)
        case "text":
            return _text(comparisons)


def counts_line(comparisons: Iterable[Comparison]) -> str:
    """How many scores are reproduced, off and not comparable, and undecided where some are."""
    verdicts = [each.verdict for each in comparisons]
    undecided: tuple[Verdict, ...] = ("undecided",) if "undecided" in verdicts else ()
    names: tuple[Verdict, ...] = ("reproduced", "off", *undecided, "not comparable")
    return ", ".join(f"{verdicts.count(name)} {name}" for name in names)


def _as_json(each: Comparison) -> dict[str, object]:
    numbers = {
        "value": each.value,
        "ci_low": each.ci_low,
        "ci_high": each.ci_high,
        "published": each.published.value,
        "difference": each.difference,
    }
    return {name: numbers[name] if name in numbers else say(each) for name, say in _COLUMNS.items()}


def _text(comparisons: Sequence[Comparison]) -> str:
    blocks = []
    for (model, task), group in groupby(comparisons, key=lambda each: (each.model, each.task)):
        cells = [
            [each.metric, _measured(each), _published(each), each.judgement, each.published.source]
            for each in group
        ]
        table = tabulate(
            cells,
            headers=["metric", "value [95 % interval]", "published", "verdict", "source"],
            tablefmt="simple",
            disable_numparse=True,
            maxcolwidths=[None, None, None, _JUDGEMENT_WIDTH, _SOURCE_WIDTH],
        )
        blocks.append(f"{model} on {task}\n{table}")
    return "\n\n".join([*blocks, counts_line(comparisons)])


def _markdown(comparisons: Sequence[Comparison]) -> str:
    head = ["model", "task", "metric", "value [95 % interval]", "published", "verdict", "source"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for each in comparisons:
        cells = [each.model, each.task, each.metric, _measured(each), _published(each), each.judgement]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in [*cells, _source(each)]) + " |")
    return "\n".join([*lines, "", counts_line(comparisons)])


def _measured(each: Comparison) -> str:
    if each.value is None:
        return "-"
    if each.ci_low is None or each.ci_high is None:
        return f"{each.value:.4f}"
    return f"{each.value:.4f} [{each.ci_low:.4f}, {each.ci_high:.4f}]"


def _published(each: Comparison) -> str:
    other = f" ({each.published.task})" if each.published.task != each.task else ""
    return each.published.printed + other


def _source(each: Comparison) -> str:
    return (
        f"{each.published.source}; {each.published.notes}" if each.published.notes else each.published.source
    )
