"""A comparison of two models as text, JSON and Markdown, and as a plain sentence."""

import json
from collections.abc import Iterable, Sequence
from typing import Literal

from vlbench.core.visible import visible
from vlbench.report.markdown import escaped
from vlbench.report.paired.comparison import Comparison
from vlbench.report.table import Table, decimals, with_interval

Form = Literal["text", "json", "markdown"]

_SMALLEST = 0.0001


def comparison_text(comparisons: Sequence[Comparison], form: Form, width: int | None = None) -> str:
    """A comparison in a form, in the `width` of a terminal: values, differences, tests, movers, a summary."""
    if form == "json":
        found = {"tasks": list(map(_fields, comparisons)), "sentence": verdict_sentence(comparisons)}
        return json.dumps(found, indent=1, ensure_ascii=False)
    return _people(comparisons, markdown=form == "markdown", width=width)


def verdict_sentence(comparisons: Sequence[Comparison]) -> str:
    """A sentence: which model is better on how many tasks."""
    if not comparisons:
        return "There is nothing to compare."
    a, b = comparisons[0].model_a, comparisons[0].model_b
    by_b, by_a = (_tasks(comparisons, model) for model in (b, a))
    if a == b:
        by_a = []
    equal, untested = _tasks(comparisons, ""), _tasks(comparisons, None)
    number = len(comparisons)
    parts = []
    for better, worse, tasks in ((b, a, by_b), (a, b, by_a)):
        if tasks:
            parts.append(f"{better} is better than {worse} on {_of(tasks, number)}")
    if equal:
        parts.append(f"{'they' if parts else f'{a} and {b}'} cannot be told apart on {_of(equal, number)}")
    if untested:
        parts.append(f"not tested: {_of(untested, number)}")
    return "; ".join(parts) + f" (5 % level{', Holm over the tasks' if number > 1 else ''})."


def _tasks(comparisons: Iterable[Comparison], better: str | None) -> list[str]:
    return [each.task for each in comparisons if each.better == better]


def _of(tasks: Sequence[str], number: int) -> str:
    """The names of tasks, out of `number` tasks.

    >>> _of(["shapes", "digits"], 5), _of(["shapes"], 1)
    ('2 of 5 tasks: shapes, digits', 'shapes')
    """
    return tasks[0] if number == 1 else f"{len(tasks)} of {number} tasks: {', '.join(tasks)}"


def _fields(each: Comparison) -> dict[str, object]:
    test = each.test
    names = ("model_a", "model_b", "task", "metric", "value_a", "value_b", "difference")
    return {
        **{name: getattr(each, name) for name in names},
        **{name: getattr(test, name) for name in ("ci_low", "ci_high", "p", "exact_p")},
        "p_holm": each.p_holm,
        "better": each.better,
        **{name: getattr(test, name) for name in ("method", "n", "a_only", "b_only")},
        "movers": [
            {name: getattr(mover, name) for name in ("name", "value_a", "value_b", "difference", "n")}
            for mover in each.movers
        ],
    }


_HEAD = ("task", "A", "B", "B - A [95 % interval]", "p", "exact p", "Holm p")


def _people(comparisons: Sequence[Comparison], *, markdown: bool, width: int | None) -> str:
    """The names, a table, the test of each task, the movers and the summary, separated by blank lines."""
    item, arrow, shown = ("- ", "→", escaped) if markdown else ("", "->", visible)
    table = Table(_HEAD, [_cells(each) for each in comparisons], right=_HEAD[1:])
    blocks = [
        shown(f"A: {comparisons[0].model_a}, B: {comparisons[0].model_b}"),
        table.markdown() if markdown else table.text(width=width),
        "\n".join(f"{item}{shown(_how(each))}" for each in comparisons),
    ]
    for each in comparisons:
        if each.movers:
            head = f"{shown(each.task)}: what moved most, A {arrow} B"
            moved = "\n".join(
                f"{item}{decimals(it.difference, 3, sign='+')}  {it.value_a:.3f} -> {it.value_b:.3f}  "
                f"n {it.n}  {shown(it.name)}"
                for it in each.movers
            )
            blocks.append(f"{head}{chr(10) * (1 + markdown)}{moved}")
    return "\n\n".join([*blocks, shown(verdict_sentence(comparisons))])


def _cells(each: Comparison) -> list[str]:
    test = each.test
    difference = with_interval(each.difference, test.ci_low, test.ci_high, sign="+")
    values = decimals(each.value_a), decimals(each.value_b)
    return [each.task, *values, difference, *map(_p, (test.p, test.exact_p, each.p_holm))]


def _how(each: Comparison) -> str:
    """What was tested on a task, by which test, and on how many images."""
    test = each.test
    if test.p is None:
        return f"{each.task}: {each.metric}; {test.method}"
    alone = "" if test.a_only is None else f"; right alone: A {test.a_only}, B {test.b_only}"
    return f"{each.task}: {each.metric}; {test.method}; {test.n} {test.of}{alone}"


def _p(value: float | None) -> str:
    """A p-value with four decimals.

    >>> _p(0.04), _p(1e-9), _p(None)
    ('0.0400', '<0.0001', '-')
    """
    if value is None:
        return "-"
    return f"{value:.4f}" if value >= _SMALLEST else f"<{_SMALLEST}"
