"""What stands beside the scores of a task: chance, and the best constant answer."""

from collections.abc import Iterable
from typing import Literal

from vlbench.core.result import Result

Level = Literal["chance", "constant"]


def level_of(results: Iterable[Result], level: Level) -> float | None:
    """The level of the primary metric of comparable results; None if none states it, as in older results.

    They answer one question about the same data, on which alone it depends.
    """
    measured = (getattr(each.metric(each.primary), level) for each in results)
    return next((value for value in measured if value is not None), None)
