"""Names of metrics as cards state them: `acc1`, `image_retrieval_recall@5`."""

from collections.abc import Iterable

from vlbench.core.contracts import Metric
from vlbench.core.errors import CardError
from vlbench.core.registry import METRICS


def split_metric(name: str) -> tuple[str, float | None]:
    """The registry name and the number behind `@`, None where there is none.

    Raises:
        CardError: what stands behind `@` is no number.

    >>> split_metric("image_retrieval_recall@5")
    ('image_retrieval_recall', 5.0)
    >>> split_metric("acc1")
    ('acc1', None)
    """
    base, mark, number = name.partition("@")
    if not mark:
        return base, None
    try:
        return base, float(number)
    except ValueError as error:
        raise CardError(f"metric {name!r}: {number!r} is no number; write {base}@5") from error


def metrics_of(names: Iterable[str]) -> dict[str, Metric]:
    """The functions of metrics, under the names asked for."""
    return {name: METRICS.get(split_metric(name)[0]) for name in names}
