"""best-f1: for each tag, the threshold with the best F1 on a validation split of the model's own scores."""

from vlbench.core.measurement import MetricOptions
from vlbench.core.method import Head, Lesson, Method
from vlbench.core.metric_name import DECIDED
from vlbench.core.registry import METRICS

CHOICE = "best_f1_threshold"


def best_f1() -> Method:
    """The threshold with the best F1 of each tag; a tag without positives takes that of the best micro F1.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1], [0], [1]], vectors=[], scores=[[4.0], [1.0], [2.0]])
    >>> best_f1().fit(lesson).thresholds
    (1.5,)
    """
    return Method(
        "best-f1",
        fit=choose,
        parts=frozenset({"thresholds"}),
        learns_from=frozenset({"validation"}),
        metrics=DECIDED,
    )


def choose(lesson: Lesson) -> Head:
    """Choose thresholds on the validation split.

    Raises:
        DataError: no tag is true of a validation image.
        Unsupported: the task keeps no score matrix.
    """
    split = lesson.splits["validation"]
    chosen = METRICS.get(CHOICE)(split.prediction(), split.problem, MetricOptions())
    return Head(thresholds=tuple(part.value for part in chosen.parts))
