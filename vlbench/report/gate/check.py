"""Compares results with a baseline: what moved, and whether a person has to look at it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vlbench.core.errors import UnknownName, VlbenchError
from vlbench.core.metric_name import split_metric
from vlbench.report.gate.baseline import BaselineRow, rows_by_pair
from vlbench.report.gate.inputs import changed_inputs, equal_inputs, other_count
from vlbench.report.task_name import old_method

TOLERANCE = 0.005
"""How much a value may get worse by default, however narrow its interval: another version of a kernel or an
image decoder changes as much."""
_SLACK = 1e-6
"""Allowance for rounding: a baseline has six decimals."""

Verdict = Literal[
    "worse",
    "unmeasured",
    "vanished",
    "unlisted",
    "protocol",
    "weights",
    "data",
    "precision",
    "gained",
    "better",
    "within",
    "new",
]
PASSING: frozenset[Verdict] = frozenset({"gained", "better", "within", "new"})
"""Verdicts that are reported but do not fail."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How much each metric may get worse, in its own unit."""

    everywhere: float | None = None
    by_metric: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_text(cls, text: str) -> "Tolerances":
        """Parse tolerances as on the command line; an empty text has none.

        Raises:
            VlbenchError: the text is not a list of tolerances, one is negative or larger than a fraction can
                change, or there are two for one metric or for all.

        >>> Tolerances.of_text("0.005,acc1=0.01").of("acc1")
        0.01
        """
        everywhere: float | None = None
        by_metric: dict[str, float] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            metric, mark, value = (each.strip() for each in part.rpartition("="))
            if metric in by_metric or (not mark and everywhere is not None):
                raise VlbenchError(
                    f"tolerance {part!r}: a second one for {metric or 'all metrics'}; give one"
                )
            if mark:
                by_metric[metric] = _tolerance(value, part)
            else:
                everywhere = _tolerance(value, part)
                _refuse_any(everywhere, part, 1.0)
        return cls(everywhere, by_metric)

    def refuse_unknown(self, rows: Iterable[BaselineRow]) -> None:
        """Refuse a tolerance that lets every value pass, or one for a metric that no row has.

        Either is a typing error that would allow everything.

        Raises:
            UnknownName: no row has the metric; the message lists close matches.
            VlbenchError: a tolerance is as wide as the metric.
        """
        rows = tuple(rows)
        metrics = {row.metric for row in rows}
        known = metrics | {split_metric(metric)[0] for metric in metrics}
        for name in sorted(self.by_metric.keys() - known):
            raise UnknownName("metric", name, known, advice=f"--tolerance takes {', '.join(sorted(known))}")
        for row in rows:
            named = {row.metric, split_metric(row.metric)[0]} & self.by_metric.keys()
            for name in named:
                _refuse_any(self.by_metric[name], f"{name}={self.by_metric[name]:g}", row.most)

    def of(self, metric: str) -> float | None:
        """The tolerance for a metric by its name (`recall@5`, then `recall`), else the one for all."""
        named = self.by_metric.get(metric, self.by_metric.get(split_metric(metric)[0]))
        return self.everywhere if named is None else named


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference from the baseline; `metric` is empty if it concerns the whole result.

    `allowed` is how much the metric may get worse. A smaller change is a finding that does not fail.
    """

    model: str
    task: str
    metric: str
    verdict: Verdict
    message: str
    before: float | None = None
    after: float | None = None
    allowed: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it fails the check."""
        return self.verdict not in PASSING

    @property
    def warned(self) -> bool:
        """Whether it passes, but a person should look at it."""
        return self.verdict == "gained"

    @property
    def change(self) -> float | None:
        """The change of the value, negative if it fell; None if one of the two values is missing."""
        return None if self.before is None or self.after is None else self.after - self.before


def compare_rows(
    baseline: Iterable[BaselineRow],
    current: Iterable[BaselineRow],
    tolerances: Tolerances | None = None,
    *,
    strict: bool = False,
) -> tuple[Finding, ...]:
    """Find all differences from a baseline, sorted by model, task and metric.

    A value is `worse` if it got worse by more than is allowed: the stated tolerance for its metric, or else
    `TOLERANCE`. If the inputs are not known to be equal (another kind of device), the limit is at least the
    distance from the baseline's value to the worse end of its 95 % interval. A value is `better` if it moved
    as far the other way, or `gained` if the inputs are equal. With `strict`, what the baseline does not list
    fails.
    """
    before, after = rows_by_pair(baseline), rows_by_pair(current)
    allowed = tolerances or Tolerances()
    models, tasks = ({pair[side] for pair in after} for side in (0, 1))
    new_verdict: Verdict = "unlisted" if strict else "new"
    found: list[Finding] = []
    for model, task in sorted(before.keys() | after.keys()):
        old, new = before.get((model, task)), after.get((model, task))
        if new is None:
            found.append(Finding(model, task, "", "vanished", _vanished(model, task, models, tasks)))
        elif old is None:
            many = f"{len(new)} metric{'s' if len(new) > 1 else ''}"
            found.append(Finding(model, task, "", new_verdict, f"not in the baseline: {many}"))
        else:
            shared = [(row, new[metric]) for metric, row in old.items() if metric in new]
            inputs = dict.fromkeys(change for was, now in shared for change in changed_inputs(was, now))
            found += [Finding(model, task, "", verdict, message) for verdict, message in inputs]
            for was, now in () if inputs else shared:
                if message := other_count(was, now):
                    found.append(Finding(model, task, was.metric, "data", message, was.value, now.value))
            found += _moved(old, new, allowed, new_verdict)
    return tuple(found)


def sentence(finding: Finding) -> str:
    """A finding on one line: `tiny-clip on shapes, acc1: fell by 0.0660 ...`."""
    metric = f", {finding.metric}" if finding.metric else ""
    return f"{finding.model} on {finding.task}{metric}: {finding.message}"


def _tolerance(text: str, part: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise VlbenchError(
            f"tolerance {part!r}: {text!r} is no number; write 0.005 or METRIC=0.005"
        ) from error
    if not 0 <= value < float("inf"):
        raise VlbenchError(f"tolerance {part!r}: give 0 or more")
    return value


def _refuse_any(value: float, part: str, most: float | None) -> None:
    """Raise VlbenchError for a tolerance as wide as the whole range of a metric."""
    if most is not None and value > most:
        raise VlbenchError(
            f"tolerance {part!r}: more than {most:g} lets any fraction pass; 0.05 are five points, and "
            "a rank takes one of its own: METRIC=5"
        )


def _vanished(model: str, task: str, models: set[str], tasks: set[str]) -> str:
    method = old_method(task)
    if method:
        return (
            f"vanished: {method} is a method of the row now: {model}+{method} on "
            f"{task.removesuffix(f'+{method}')}"
        )
    if model not in models:
        return "vanished: the model has no whole result any more"
    if task not in tasks:
        return "vanished: no model has a whole result on the task any more"
    return "vanished: there is no whole result any more"


def _moved(
    old: Mapping[str, BaselineRow],
    new: Mapping[str, BaselineRow],
    tolerances: Tolerances,
    new_verdict: Verdict,
) -> list[Finding]:
    found: list[Finding] = []
    for metric in sorted(old.keys() | new.keys()):
        was, now = old.get(metric), new.get(metric)
        if was is not None and now is not None:
            found += _value(was, now, tolerances)
        elif was is not None:
            message = "vanished: the metric is not measured any more"
            found.append(Finding(was.model, was.task, metric, "vanished", message, before=was.value))
        elif now is not None:
            message = "not in the baseline"
            found.append(Finding(now.model, now.task, metric, new_verdict, message, after=now.value))
    return found


def _value(was: BaselineRow, now: BaselineRow, tolerances: Tolerances) -> Iterator[Finding]:
    """The finding for a value that moved; none if it did not."""
    given, equal = tolerances.of(was.metric), equal_inputs(was, now)
    # the distance from the value to the worse end of its interval is noise
    end = was.ci_high if was.lower_is_better else was.ci_low
    noise = 0.0 if equal or was.value is None or end is None else abs(was.value - end)
    allowed = max(TOLERANCE, noise) if given is None else given

    def found(verdict: Verdict, message: str) -> Finding:
        return Finding(was.model, was.task, was.metric, verdict, message, was.value, now.value, allowed)

    if was.value is None:
        if now.value is not None:
            yield found("unmeasured", f"the baseline has no value to hold {now.value:.4f} against")
        return
    if now.value is None:
        yield found("unmeasured", "could not be measured")
        return
    change = now.value - was.value
    if abs(change) <= _SLACK:
        return
    moved = f"{'rose' if change > 0 else 'fell'} by {abs(change):.4f} to {now.value:.4f}"
    why = "its noise" if given is None and allowed > TOLERANCE else "the tolerance"
    better = (change < 0) == now.lower_is_better
    if abs(change) <= allowed + _SLACK:
        yield found("within", f"{moved}, within {why} of {allowed:.4f}")
    elif not better:
        yield found("worse", f"{moved}, more than {why} of {allowed:.4f}")
    elif equal:
        reason = "though images, weights and device are the same: find out why before you accept it"
        yield found("gained", f"{moved}, more than {why} of {allowed:.4f}, {reason}")
    else:
        yield found("better", f"{moved}, more than {why} of {allowed:.4f}")
