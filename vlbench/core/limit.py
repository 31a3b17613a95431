"""A limit: how many of the images or items of a task are used, as a number of them or as a fraction."""

from operator import index as as_integer
from typing import Any

from vlbench.core.errors import VlbenchError
from vlbench.core.whole_number import whole_number

Limit = int | float
"""A whole number, 1 or more, or a fraction of all, between 0 and 1."""


def limit_of(value: Any) -> Limit:
    """Read a limit. A whole number is a number of images, and what has a point is a fraction of them.

    Raises:
        VlbenchError: it is neither.

    >>> limit_of("8"), limit_of("0.1")
    (8, 0.1)
    """
    read = _number(value)
    if read is None or not (read >= 1 if isinstance(read, int) else 0 < read < 1):
        raise VlbenchError(
            f"{value} is no limit: give a whole number of images, 1 or more, or a fraction of them below 1, "
            "such as 0.1; leave it out for all of them"
        )
    return read


def _number(value: Any) -> Limit | None:
    if isinstance(value, str) and (number := whole_number(value.strip())) is not None:
        return number
    if isinstance(value, bool):
        return None
    try:
        return as_integer(value) if hasattr(value, "__index__") else float(value)
    except (TypeError, ValueError):
        return None


def limited(limit: Limit, count: int) -> int:
    """How many of `count` a limit takes, at least one of some.

    >>> limited(8, 5), limited(0.1, 1797), limited(0.1, 3)
    (5, 180, 1)
    """
    asked = limit if isinstance(limit, int) else max(1, round(limit * count))
    return min(asked, count)
