"""The results of a call: a list that notebooks show as a table and that converts to a pandas frame."""

from typing import TYPE_CHECKING

from vlbench.core.result import Result
from vlbench.report.tables.summary import summary_table

if TYPE_CHECKING:
    import pandas as pd


_COLUMNS = ("model", "task", "metric", "value", "ci_low", "ci_high", "n", "images", "partial", "primary")


class Results(list[Result]):
    """The results that `evaluate` returns, ordered by model, method and task.

    >>> Results()
    no results
    """

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
