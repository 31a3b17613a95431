"""Comparisons with published scores as text, JSON, CSV and Markdown."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal

from vlbench.core.visible import visible
from vlbench.report.exchange.verify import PublishedComparison, Verdict
from vlbench.report.table import Table, number, with_interval

Form = Literal["text", "json", "csv", "markdown"]

_COLUMNS = (
    *("model", "task", "metric", "value", "ci_low", "ci_high", "published", "published_task", "difference"),
    *("verdict", "reason", "source", "notes"),
)
_HEAD = ("metric", "value [95 % interval]", "published", "verdict", "source")


def comparisons_text(comparisons: Sequence[PublishedComparison], form: Form, width: int | None = None) -> str:
    """Comparisons in a form; as text, in the `width` of a terminal, and a last line counts each verdict."""
    match form:
        case "json":
            found = [dict(zip(_COLUMNS, _fields(each), strict=True)) | _numbers(each) for each in comparisons]
            return json.dumps(found, indent=1, ensure_ascii=False)
        case "csv":
            return Table(_COLUMNS, [_fields(each) for each in comparisons]).csv()
        case "markdown":
            rows = [[each.model, each.task, *_cells(each, notes=True)] for each in comparisons]
            return f"{Table(['model', 'task', *_HEAD], rows).markdown()}\n\n{counts_line(comparisons)}"
        case "text":
            blocks = []
            for (model, task), group in groupby(comparisons, key=lambda each: (each.model, each.task)):
                table = Table(_HEAD, [_cells(each) for each in group]).text(width=width)
                blocks.append(f"{visible(f'{model} on {task}')}\n{table}")
            return "\n\n".join([*blocks, counts_line(comparisons)])


def counts_line(comparisons: Iterable[PublishedComparison]) -> str:
    """A line that counts the scores that are reproduced, off, not comparable and, if any, undecided."""
    verdicts = [each.verdict for each in comparisons]
    undecided: tuple[Verdict, ...] = ("undecided",) if "undecided" in verdicts else ()
    names: tuple[Verdict, ...] = ("reproduced", "off", *undecided, "not comparable")
    return ", ".join(f"{verdicts.count(name)} {name}" for name in names)


def _fields(each: PublishedComparison) -> list[str]:
    """The cells of a CSV row under `_COLUMNS`."""
    numbers = map(number, (each.value, each.ci_low, each.ci_high))
    published = each.published
    return [
        *(each.model, each.task, each.metric, *numbers, published.printed, published.task),
        *(number(each.difference), each.verdict, each.reason, published.source, published.notes),
    ]


def _numbers(each: PublishedComparison) -> dict[str, float | None]:
    """The numbers of a comparison, with all their digits."""
    names = ("value", "ci_low", "ci_high", "difference")
    return {name: getattr(each, name) for name in names} | {"published": each.published.value}


def _cells(each: PublishedComparison, *, notes: bool = False) -> list[str]:
    """The cells under `_HEAD`; with `notes`, the notes on the published score follow its source."""
    published = each.published
    other = f" ({published.task})" if published.task != each.task else ""
    value = with_interval(each.value, each.ci_low, each.ci_high)
    source = f"{published.source}; {published.notes}" if notes and published.notes else published.source
    return [each.metric, value, f"{published.printed}{other}", each.judgement, source]
