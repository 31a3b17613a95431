"""The results of a call: a list that notebooks show as a table and that converts to a pandas frame."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.items import Items
from vlbench.core.parquet_file import open_parquet, reading_parquet
from vlbench.core.result import Result
from vlbench.report.confusion import confusion_frame
from vlbench.report.paired.compare_models import compare_results
from vlbench.report.paired.comparison import Comparison
from vlbench.report.plots import Drawn, drawn
from vlbench.report.tables.steps import STEPS_HEAD, step_curves, step_points
from vlbench.report.tables.summary import summary_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_NUMBERS = ("value", "ci_low", "ci_high", "chance", "constant")
_COLUMNS = ("model", "task", "metric", *_NUMBERS, "n", "images", "partial", "primary")


def _itself(items: Items) -> Items:
    return items


class Results(list[Result]):
    """The results that `evaluate` returns, ordered by model, method and task.

    With `save_predictions`, `predictions` holds a pandas frame of the answers of each (model, task).

    >>> Results()
    no results
    """

    def __init__(self, results: Iterable[Result] = ()) -> None:
        super().__init__()
        self.predictions: dict[tuple[str, str], pd.DataFrame] = {}
        self._items: dict[tuple[str, str], Callable[[], Items]] = {}
        self.extend(results)

    def keep(self, result: Result, items: "Callable[[], Items]", predictions: "pd.DataFrame | None") -> None:
        """Keep what comparisons read of a result, and its predictions, if there are any."""
        self._items[result.model, result.task] = items
        if predictions is not None:
            self.predictions[result.model, result.task] = predictions

    def extend(self, results: Iterable[Result]) -> None:
        """Add results, such as those of another call, with what is kept of them.

        Raises:
            VlbenchError: both hold a result of one model on one task, whose answers would replace each other.
        """
        if isinstance(results, Results):
            for model, task in sorted(self._items.keys() & results._items.keys()):
                raise VlbenchError(
                    f"both hold a result of {model} on {task}; leave one out, or give a model object a name="
                )
        super().extend(results)
        if isinstance(results, Results):
            self.predictions |= results.predictions
            self._items |= results._items

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        return (
            self._some(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)
        )

    def copy(self) -> "Results":
        """The same results in another list."""
        return self._some(self)

    def _some(self, chosen: Iterable[Result]) -> "Results":
        found = Results(self)
        found[:] = chosen
        return found

    def __getstate__(self) -> dict[str, Any]:
        """What another process is given: items that are not made yet would need this one's cache."""
        made = {pair: partial(_itself, items()) for pair, items in self._items.items()}
        return {"predictions": self.predictions, "_items": made}

    def __add__(self, others: Iterable[Result]) -> "Results":  # type: ignore[override]
        found = Results(self)
        found.extend(others)
        return found

    def __iadd__(self, others: Iterable[Result]) -> Self:  # type: ignore[override]
        self.extend(others)
        return self

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
                of_metric = (one.metric, *(getattr(one, name) for name in _NUMBERS), one.n)
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
        return frame.astype({**dict.fromkeys(_NUMBERS, float), "primary": bool})

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

    def compare(
        self, a: str, b: str, tasks: str | Sequence[str] = (), *, seed: int = 0
    ) -> tuple[Comparison, ...]:
        """Test two models of these results on the same images, task by task, as `vlbench compare` does.

        Raises:
            VlbenchError: a name is unknown, a result is partial, or two are of different protocols or data.

        >>> from PIL.Image import new
        >>> from tempfile import TemporaryDirectory
        >>> import vlbench
        >>> pairs = vlbench.data([(new("RGB", (32, 32), name), name) for name in ("red", "blue")], name="two")
        >>> with TemporaryDirectory() as cache:
        ...     found = vlbench.evaluate(["tiny-clip", "tiny-react"], pairs, device="cpu", cache=cache)
        >>> [(each.task, each.metric, each.test.n) for each in found.compare("tiny-clip", "tiny-react")]
        [('classification:two', 'acc1', 2)]
        """
        names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
        return compare_results(self, self._read, a, b, tasks=names, seed=seed, where="this list")

    def _read(self, result: Result) -> Items:
        items = self._items.get((result.model, result.task))
        if items is None:
            raise DataError(
                f"{result.model} on {result.task}: its items are not in this list, which was not made by "
                "evaluate; compare results of a folder by vlbench.compare"
            )
        return items()

    def plot(self, what: Drawn = "intervals", tasks: str | Sequence[str] = ()) -> "Figure":
        """A figure of matplotlib (the extra `plots`) of the primary metrics, one part for each task.

        `intervals` shows every model with its 95 % interval, `few-shot` scores against shots, `steps` those
        of checkpoints against their steps; `scatter` shows the models in the plane of two tasks. `tasks` are
        those to draw, all without them.

        Raises:
            Unsupported: matplotlib is not installed.
            VlbenchError: there is nothing to draw, or no such task.
        """
        return drawn(self, what, (tasks,) if isinstance(tasks, str) else tuple(tasks))


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
