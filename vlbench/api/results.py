"""The results of a call: a list that notebooks show as a table and that converts to a pandas frame."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.parquet_file import open_parquet, reading_parquet
from vlbench.core.result import Result
from vlbench.report.confusion import confusion_frame
from vlbench.report.tables.steps import STEPS_HEAD, step_curves, step_points
from vlbench.report.tables.summary import summary_table

if TYPE_CHECKING:
    import pandas as pd


_COLUMNS = ("model", "task", "metric", "value", "ci_low", "ci_high", "n", "images", "partial", "primary")


class Results(list[Result]):
    """The results that `evaluate` returns, ordered by model, method and task.

    With `save_predictions`, `predictions` holds a pandas frame of the answers of each (model, task).

    >>> Results()
    no results
    """

    def __init__(
        self,
        results: Iterable[Result] = (),
        *,
        predictions: "Mapping[tuple[str, str], pd.DataFrame] | None" = None,
    ) -> None:
        super().__init__(results)
        self.predictions = {} if predictions is None else predictions

    def __repr__(self) -> str:
        return summary_table(self) if self else "no results"

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        primary: str = frame[frame["primary"]].drop(columns="primary").to_html(index=False, escape=True)
        return primary

    def to_frame(self) -> "pd.DataFrame":
        """A pandas frame with one row per result and metric; values are fractions, NaN where not measured.

        >>> list(Results().to_frame().columns)[:4]
        ['model', 'task', 'metric', 'value']
        """
        import pandas as pd

        rows = []
        for each in self:
            for one in each.metrics:
                of_metric = (one.metric, one.value, one.ci_low, one.ci_high, one.n)
                rows.append(
                    (
                        each.model,
                        each.task,
                        *of_metric,
                        each.n_images,
                        each.partial,
                        one.metric == each.primary,
                    )
                )
        frame = pd.DataFrame(rows, columns=list(_COLUMNS))
        return frame.astype({"value": float, "ci_low": float, "ci_high": float, "primary": bool})

    def steps(self) -> "pd.DataFrame":
        """A pandas frame of the checkpoints of training runs, as in `steps.csv`: one row per metric and step.

        `best` marks the step that the validation split chooses, where every step has a score on it.

        >>> list(Results().steps().columns)[:4]
        ['task', 'metric', 'model', 'step']
        """
        import pandas as pd

        by_task: dict[str, list[Result]] = {}
        for each in self:
            by_task.setdefault(each.task, []).append(each)
        rows = [
            (
                *(curve.task, curve.metric, curve.model, point.at),
                *(point.mean, point.low, point.high, point.validation, point.is_best),
            )
            for curve, point in step_points(step_curves(by_task))
        ]
        frame = pd.DataFrame(rows, columns=list(STEPS_HEAD))
        return frame.astype(dict.fromkeys(("value", "low", "high", "validation"), float))


def name_of(result: Result) -> tuple[str, str]:
    """The model and the task of a result."""
    return result.model, result.task


def confusion_matrix(predictions: "pd.DataFrame | Path | str") -> "pd.DataFrame":
    """How many images of each class (rows) are taken for each class (columns), as a pandas frame.

    `predictions` are those of a classification: of `Results.predictions`, or the file that a run with
    `save_predictions` writes beside its result. The sum of the diagonal over the number of images is acc1.

    Raises:
        DataError: they are no such predictions.

    >>> from PIL.Image import new
    >>> from tempfile import TemporaryDirectory
    >>> import vlbench
    >>> pairs = vlbench.data([(new("RGB", (32, 32), name), name) for name in ("red", "blue")], name="two")
    >>> with TemporaryDirectory() as cache:
    ...     found = vlbench.evaluate("tiny-clip", pairs, save_predictions=True, device="cpu", cache=cache)
    >>> (predictions,) = found.predictions.values()
    >>> int(confusion_matrix(predictions).to_numpy().sum())
    2
    """
    if not isinstance(predictions, str | Path):
        return confusion_frame(predictions)
    again = "run the model again with --save-predictions"
    file = open_parquet(str(predictions), again)
    with reading_parquet(str(predictions), again):
        return confusion_frame(file.read(use_threads=False).to_pandas(), str(predictions))
