"""best-f1: for each tag the threshold of the best F1 on a validation split, on the model's own scores."""

from vlbench.core.measurement import MetricOptions
from vlbench.core.method import Head, Lesson, Method
from vlbench.core.metric_name import DECIDED
from vlbench.core.registry import METRICS

CHOICE = "best_f1_threshold"


def best_f1() -> Method:
    """Thresholds of the best F1 of each tag; the best micro F1's where it has no positive there."""
    return Method(
        "best-f1",
        fit=choose,
        parts=frozenset({"thresholds"}),
        learns_from=frozenset({"validation"}),
        metrics=DECIDED,
    )


def choose(lesson: Lesson) -> Head:
    """The thresholds of the validation split.

    Raises:
        DataError: no tag is true of a validation image.
        Unsupported: the task keeps no score matrix.
    """
    split = lesson.splits["validation"]
    chosen = METRICS.get(CHOICE)(split.prediction(), split.problem, MetricOptions())
    return Head(thresholds=tuple(part.value for part in chosen.parts))
