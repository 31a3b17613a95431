"""One check of many cards, whose failure names every wrong one and why."""

import traceback
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

from vlbench.core.errors import VlbenchError

T = TypeVar("T")


def assert_each(check: Callable[[T], None], cases: Iterable[T]) -> None:
    """Run a check on every case; one message names all that fail it, each with its line and reason.

    >>> def is_even(number: int) -> None:
    ...     assert number % 2 == 0, f"{number % 2} is left"
    >>> assert_each(is_even, [2, 4])
    """
    said: list[str] = []
    count = 0
    for count, case in enumerate(cases, 1):  # noqa: B007
        try:
            check(case)
        except (AssertionError, LookupError, TypeError, ValueError, VlbenchError) as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)[1:2]]
            said.append(f"{case}: line {lines[0] if lines else '?'}: {type(error).__name__}: {error}")
    assert count, "there is no case to check"
    if said:
        pytest.fail("\n".join([f"{len(said)} of {count} are wrong:", *said]), pytrace=False)
