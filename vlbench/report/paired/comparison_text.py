"""A comparison of two models as text, JSON and Markdown, and as a plain sentence."""

import json
from collections.abc import Iterable, Sequence
from typing import Literal

from tabulate import tabulate

from vlbench.report.paired.comparison import Comparison
from vlbench.report.paired.movers import Mover

Form = Literal["text", "json", "markdown"]
FORMS: tuple[Form, ...] = ("text", "json", "markdown")

_SMALLEST = 0.0001


def comparison_text(comparisons: Sequence[Comparison], form: Form) -> str:
    """The tasks of a comparison in a form: values, differences, tests, movers, and what it comes to."""
    match form:
        case "json":
            found = {
                "tasks": [_as_json(each) for each in comparisons],
                "sentence": verdict_sentence(comparisons),
            }
            return json.dumps(found, indent=1, ensure_ascii=False)
        case "markdown":
            return _markdown(comparisons)
        case "text":
            return _text(comparisons)


def verdict_sentence(comparisons: Sequence[Comparison]) -> str:
    """Who is better on how many tasks, in a sentence."""
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
    """The tasks of so many.

    >>> _of(["shapes", "digits"], 5), _of(["shapes"], 1)
    ('2 of 5 tasks: shapes, digits', 'shapes')
    """
    return tasks[0] if number == 1 else f"{len(tasks)} of {number} tasks: {', '.join(tasks)}"


def _as_json(each: Comparison) -> dict[str, object]:
    test = each.test
    return {
        "model_a": each.model_a,
        "model_b": each.model_b,
        "task": each.task,
        "metric": each.metric,
        "value_a": each.value_a,
        "value_b": each.value_b,
        "difference": each.difference,
        "ci_low": test.ci_low,
        "ci_high": test.ci_high,
        "p": test.p,
        "exact_p": test.exact_p,
        "p_holm": each.p_holm,
        "better": each.better,
        "method": test.method,
        "n": test.n,
        "a_only": test.a_only,
        "b_only": test.b_only,
        "movers": [
            {
                "name": mover.name,
                "value_a": mover.value_a,
                "value_b": mover.value_b,
                "difference": mover.difference,
                "n": mover.n,
            }
            for mover in each.movers
        ],
    }


_HEAD = ("task", "A", "B", "B - A [95 % interval]", "p", "exact p", "Holm p")


def _cells(each: Comparison) -> list[str]:
    test = each.test
    return [
        each.task,
        _value(each.value_a),
        _value(each.value_b),
        _interval(each),
        _p(test.p),
        _p(test.exact_p),
        _p(each.p_holm),
    ]


def _text(comparisons: Sequence[Comparison]) -> str:
    blocks = [_names(comparisons)]
    blocks.append(
        tabulate(
            [_cells(each) for each in comparisons],
            headers=_HEAD,
            tablefmt="simple",
            disable_numparse=True,
            colalign=("left", *["right"] * (len(_HEAD) - 1)) if comparisons else None,
        )
    )
    blocks.append("\n".join(map(_how, comparisons)))
    blocks += [
        "\n".join([f"{each.task}: what moved most, A -> B", *_movers(each.movers)])
        for each in comparisons
        if each.movers
    ]
    return "\n\n".join([*blocks, verdict_sentence(comparisons)])


def _markdown(comparisons: Sequence[Comparison]) -> str:
    lines = [_names(comparisons), "", f"| {' | '.join(_HEAD)} |", "|---" + "|---:" * (len(_HEAD) - 1) + "|"]
    rows = [[cell.replace("|", "\\|") for cell in _cells(each)] for each in comparisons]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", *(f"- {_how(each)}" for each in comparisons)]
    for each in comparisons:
        if each.movers:
            lines += [
                "",
                f"{each.task}: what moved most, A → B",
                "",
                *(f"- {it}" for it in _movers(each.movers)),
            ]
    return "\n".join([*lines, "", verdict_sentence(comparisons)])


def _names(comparisons: Sequence[Comparison]) -> str:
    return f"A: {comparisons[0].model_a}, B: {comparisons[0].model_b}"


def _how(each: Comparison) -> str:
    """What of a task was tested, by what, and on how much."""
    test = each.test
    if test.p is None:
        return f"{each.task}: {each.metric}; {test.method}"
    alone = "" if test.a_only is None else f"; right alone: A {test.a_only}, B {test.b_only}"
    return f"{each.task}: {each.metric}; {test.method}; {test.n} {test.of}{alone}"


def _movers(movers: Iterable[Mover]) -> list[str]:
    lines = [
        (f"{each.difference:+.3f}", f"{each.value_a:.3f} -> {each.value_b:.3f}", f"n {each.n}", each.name)
        for each in movers
    ]
    return ["  ".join(line) for line in lines]


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(each: Comparison) -> str:
    if each.difference is None:
        return "-"
    ends = each.test.ci_low, each.test.ci_high
    interval = "" if None in ends else f" [{ends[0]:+.4f}, {ends[1]:+.4f}]"
    return f"{each.difference:+.4f}{interval}"


def _p(value: float | None) -> str:
    """A p-value with four decimals.

    >>> _p(0.04), _p(1e-9), _p(None)
    ('0.0400', '<0.0001', '-')
    """
    if value is None:
        return "-"
    return f"{value:.4f}" if value >= _SMALLEST else f"<{_SMALLEST}"
