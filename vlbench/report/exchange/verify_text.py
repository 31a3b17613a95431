"""Comparisons with published scores as text, JSON, CSV and Markdown."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal

from vlbench.report.exchange.verify import PublishedComparison, Verdict
from vlbench.report.table import Table, number, with_interval

Form = Literal["text", "json", "csv", "markdown"]
FORMS: tuple[Form, ...] = ("text", "json", "csv", "markdown")

_COLUMNS: Mapping[str, Callable[[PublishedComparison], object]] = {
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
_HEAD = ("metric", "value [95 % interval]", "published", "verdict", "source")
_WIDTHS = {"verdict": 40, "source": 34}


def comparisons_text(comparisons: Sequence[PublishedComparison], form: Form) -> str:
    """Comparisons in a form; the text ends with how many there are of each verdict."""
    match form:
        case "json":
            return json.dumps(list(map(_as_json, comparisons)), indent=1, ensure_ascii=False)
        case "csv":
            cells = [[say(each) for say in _COLUMNS.values()] for each in comparisons]
            return Table([*_COLUMNS], cells).csv().rstrip("\n")
        case "markdown":
            rows = [[each.model, each.task, *_cells(each, notes=True)] for each in comparisons]
            return f"{Table(['model', 'task', *_HEAD], rows).markdown()}\n\n{counts_line(comparisons)}"
        case "text":
            blocks = []
            for (model, task), group in groupby(comparisons, key=lambda each: (each.model, each.task)):
                table = Table(_HEAD, [_cells(each) for each in group], widths=_WIDTHS).text()
                blocks.append(f"{model} on {task}\n{table}")
            return "\n\n".join([*blocks, counts_line(comparisons)])


def counts_line(comparisons: Iterable[PublishedComparison]) -> str:
    """How many scores are reproduced, off and not comparable, and undecided where some are."""
    verdicts = [each.verdict for each in comparisons]
    undecided: tuple[Verdict, ...] = ("undecided",) if "undecided" in verdicts else ()
    names: tuple[Verdict, ...] = ("reproduced", "off", *undecided, "not comparable")
    return ", ".join(f"{verdicts.count(name)} {name}" for name in names)


def _as_json(each: PublishedComparison) -> dict[str, object]:
    cells = {name: say(each) for name, say in _COLUMNS.items()}
    numbers = {name: getattr(each, name) for name in ("value", "ci_low", "ci_high", "difference")}
    return cells | numbers | {"published": each.published.value}


def _cells(each: PublishedComparison, *, notes: bool = False) -> list[str]:
    """The cells under `_HEAD`; with `notes` those of the published score follow its source."""
    published = each.published
    other = f" ({published.task})" if published.task != each.task else ""
    value = with_interval(each.value, each.ci_low, each.ci_high)
    source = f"{published.source}; {published.notes}" if notes and published.notes else published.source
    return [each.metric, value, f"{published.printed}{other}", each.judgement, source]
