"""Effective robustness of rows with results on a data set and a variant of it: `effective_robustness.csv`."""

from collections.abc import Mapping, Sequence

from vlbench.core.result import Result
from vlbench.core.robustness import METRIC, RobustnessFit
from vlbench.report.table import Table, number
from vlbench.report.tables.averages import mixed_rows
from vlbench.report.tables.seeds import row_of

ROBUSTNESS = "effective_robustness.csv"
ROBUSTNESS_HEAD = (
    "model",
    "task",
    "accuracy",
    "reference_accuracy",
    "expected_accuracy",
    "effective_robustness",
    "reference_fit",
)


def robustness_text(by_task: Mapping[str, Sequence[Result]], fits: Sequence[RobustnessFit]) -> str:
    """The text of `effective_robustness.csv`; empty if no model has both a variant and its reference.

    A model's effective robustness is its accuracy on the variant minus the accuracy that the fit expects from
    its accuracy on the reference. Source: Taori et al. 2020 (arXiv 2007.00644), equation 1.
    """
    lines = []
    for fit in sorted(fits, key=lambda fit: fit.task):
        pair = {task: by_task.get(task, ()) for task in (fit.task, fit.reference)}
        rows = mixed_rows(pair)
        mixed = {each.model for results in pair.values() for each in results if row_of(each) in rows}
        reference = _accuracies(pair[fit.reference])
        for model, accuracy in _accuracies(pair[fit.task]).items():
            # accuracies of other weights or methods under one name say nothing of one another
            on_reference = None if model in mixed else reference.get(model)
            expected = None if on_reference is None else fit.expected(on_reference)
            if on_reference is not None and expected is not None:
                numbers = (accuracy, on_reference, expected, accuracy - expected)
                lines.append([model, fit.task, *map(number, numbers), fit.named])
    lines.sort(key=lambda line: line[:2])
    return Table(ROBUSTNESS_HEAD, lines).csv() if lines else ""


def _accuracies(results: Sequence[Result]) -> dict[str, float]:
    return {
        result.model: value.value
        for result in results
        for value in result.metrics
        if value.metric == METRIC and value.value is not None
    }
