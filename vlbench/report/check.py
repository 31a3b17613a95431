"""Results against a baseline: what moved, and whether a person has to look at it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vlbench.core.errors import UnknownName, VlbenchError
from vlbench.core.metric_direction import lower_is_better
from vlbench.core.metric_name import split_metric
from vlbench.report.baseline import Row, rows_by_pair

TOLERANCE = 0.005
"""What a value may lose unless it is told otherwise, however narrow its interval: another version of a
kernel or of an image decoder changes as much."""
_SLACK = 1e-6
"""A baseline holds six decimals."""

Verdict = Literal[
    "worse", "unmeasured", "vanished", "protocol", "weights", "data", "precision", "better", "within", "new"
]
PASSING: frozenset[Verdict] = frozenset({"better", "within", "new"})
"""Verdicts that are reported and fail nothing."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How much a metric may get worse, in its own units; `of` answers None where nobody said."""

    everywhere: float | None = None
    by_metric: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_text(cls, text: str) -> "Tolerances":
        """Tolerances as they are written on a command line; an empty text has none.

        Raises:
            VlbenchError: the text is none, or one is below 0.

        >>> Tolerances.of_text("0.005,acc1=0.01").of("acc1")
        0.01
        """
        everywhere: float | None = None
        by_metric: dict[str, float] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            metric, mark, value = part.rpartition("=")
            if mark:
                by_metric[metric.strip()] = _tolerance(value, part)
            else:
                everywhere = _tolerance(value, part)
        return cls(everywhere, by_metric)

    def refuse_unknown(self, rows: Iterable[Row]) -> None:
        """Refuse a tolerance for a metric that no row has: a slip of the pen would allow everything else.

        Raises:
            UnknownName: with the metrics that come close.
        """
        metrics = {row.metric for row in rows}
        known = metrics | {split_metric(metric)[0] for metric in metrics}
        for name in sorted(self.by_metric.keys() - known):
            raise UnknownName("metric", name, known, advice=f"--tolerance takes {', '.join(sorted(known))}")

    def of(self, metric: str) -> float | None:
        """A metric's tolerance, by its whole name (`recall@5`), its registry name, or everywhere."""
        named = self.by_metric.get(metric, self.by_metric.get(split_metric(metric)[0]))
        return self.everywhere if named is None else named


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as in the baseline; `metric` is empty where it concerns the whole result.

    `allowed` is how much the metric may get worse. A value that moved within it is a finding that fails
    nothing.
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
        """Whether a person has to look at it."""
        return self.verdict not in PASSING

    @property
    def change(self) -> float | None:
        """What the value gained, negative where it fell; None where one of the two is missing."""
        return None if self.before is None or self.after is None else self.after - self.before


def compare_rows(
    baseline: Iterable[Row], current: Iterable[Row], tolerances: Tolerances | None = None
) -> tuple[Finding, ...]:
    """All that differs from a baseline, by model, task and metric; values that are equal are no finding.

    A value is worse where it moved by more than is allowed: the tolerance that was given for its metric,
    or else `TOLERANCE` or the distance from the baseline's value to that end of its 95 % interval which is
    worse, whichever is larger. It is better where it moved as far the other way.
    """
    before, after = rows_by_pair(baseline), rows_by_pair(current)
    allowed = tolerances or Tolerances()
    models, tasks = ({pair[side] for pair in after} for side in (0, 1))
    found: list[Finding] = []
    for model, task in sorted(before.keys() | after.keys()):
        old, new = before.get((model, task)), after.get((model, task))
        if new is None:
            message = _vanished(model, task, models, tasks)
            found.append(Finding(model, task, "", "vanished", message))
        elif old is None:
            many = f"{len(new)} metric{'s' if len(new) > 1 else ''}"
            found.append(Finding(model, task, "", "new", f"not in the baseline: {many}"))
        else:
            found += _changed_inputs(next(iter(old.values())), next(iter(new.values())))
            found += _moved(old, new, allowed)
    return tuple(found)


def failures(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that fail a check."""
    return tuple(finding for finding in findings if finding.failed)


def sentence(finding: Finding) -> str:
    """A finding in a line: `tiny-clip on shapes, acc1: fell by 0.0660 ...`."""
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


def _vanished(model: str, task: str, models: set[str], tasks: set[str]) -> str:
    if model not in models:
        return "vanished: the model has no whole result any more"
    if task not in tasks:
        return "vanished: no model has a whole result on the task any more"
    return "vanished: there is no whole result any more"


def _changed_inputs(old: Row, new: Row) -> list[Finding]:
    """What a result was measured with, where it is not what it was."""
    found: list[Finding] = []

    def say(verdict: Verdict, message: str) -> None:
        found.append(Finding(new.model, new.task, "", verdict, message))

    if old.protocol_digest != new.protocol_digest:
        names = (
            f"{old.protocol} ({_short(old.protocol_digest)})",
            f"{new.protocol} ({_short(new.protocol_digest)})",
        )
        say("protocol", f"another protocol: was {names[0]}, is {names[1]}")
    elif old.texts != new.texts:
        say("data", f"other data: the texts were {_short(old.texts)}, are {_short(new.texts)}")
    if old.weights != new.weights:
        say("weights", f"other weights: were {_short(old.weights)}, are {_short(new.weights)}")
    if old.image_ids != new.image_ids:
        say("data", f"other data: the images were {_short(old.image_ids)}, are {_short(new.image_ids)}")
    if old.precision != new.precision:
        say("precision", f"another precision: was {old.precision or 'none'}, is {new.precision or 'none'}")
    return found


def _moved(old: Mapping[str, Row], new: Mapping[str, Row], tolerances: Tolerances) -> list[Finding]:
    found = []
    for metric in sorted(old.keys() | new.keys()):
        was, now = old.get(metric), new.get(metric)
        finding = _one_sided(was, now) if was is None or now is None else _value(was, now, tolerances)
        if finding is not None:
            found.append(finding)
    return found


def _one_sided(was: Row | None, now: Row | None) -> Finding | None:
    if was is not None:
        message = "vanished: the metric is not measured any more"
        return Finding(was.model, was.task, was.metric, "vanished", message, before=was.value)
    if now is not None:
        return Finding(now.model, now.task, now.metric, "new", "not in the baseline", after=now.value)
    return None


def _value(was: Row, now: Row, tolerances: Tolerances) -> Finding | None:
    """How a value moved; None where it did not."""
    given = tolerances.of(was.metric)
    allowed = max(TOLERANCE, _noise(was)) if given is None else given

    def found(verdict: Verdict, message: str) -> Finding:
        return Finding(was.model, was.task, was.metric, verdict, message, was.value, now.value, allowed)

    if was.value is None and now.value is None:
        return None
    if was.value is None:
        return found("new", "could not be measured before")
    if now.value is None:
        return found("unmeasured", "could not be measured")
    change = now.value - was.value
    if abs(change) <= _SLACK:
        return None
    moved = f"{'rose' if change > 0 else 'fell'} by {abs(change):.4f} to {now.value:.4f}"
    why = "its noise" if given is None and allowed > TOLERANCE else "the tolerance"
    if abs(change) <= allowed + _SLACK:
        return found("within", f"{moved}, within {why} of {allowed:.4f}")
    better = (change < 0) == lower_is_better(was.metric)
    return found("better" if better else "worse", f"{moved}, more than {why} of {allowed:.4f}")


def _noise(row: Row) -> float:
    """The distance from a value to the worse end of its interval; 0 where there is no interval."""
    end = row.ci_high if lower_is_better(row.metric) else row.ci_low
    return 0.0 if row.value is None or end is None else abs(row.value - end)


def _short(digest: str) -> str:
    return digest[:8] or "none"
