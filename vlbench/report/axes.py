"""Axes of pictures: positions of ticks on a linear or logarithmic scale, and how ticks are written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_FEW = 2
_PER_DECADE = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0))


@dataclass(frozen=True, slots=True)
class Axis:
    """A map from values to positions between 0 and 1, with ticks in the unit of the values."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """The position of a value: 0 at the low end, 1 at the high end."""
        if self.logarithmic:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def straight_axis(values: Sequence[float], *, count: int = 5) -> Axis:
    """A linear axis around values, with round numbers as ticks.

    >>> straight_axis([0.31, 0.68]).ticks
    (0.3, 0.4, 0.5, 0.6, 0.7)
    """
    low, high = min(values), max(values)
    span = (high - low) or max(abs(high), 1.0) * 0.1
    magnitude = 10.0 ** math.floor(math.log10(span / count))
    step = next((each * magnitude for each in _STEPS if span / (each * magnitude) <= count), 10 * magnitude)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    first, last = (first, last) if last > first else (first - 1, last + 1)
    ticks = tuple(round(each * step, 10) for each in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def logarithmic_axis(values: Sequence[float]) -> Axis:
    """A logarithmic axis around positive values. Its ticks are 1, 2, 5 or 1, 3 or 1, times powers of ten.

    >>> logarithmic_axis([3.0, 80.0]).ticks
    (3.0, 10.0, 30.0, 100.0)
    """
    low, high = min(values) / 1.25, max(values) * 1.25
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: tuple[float, ...] = ()
    for marks in _PER_DECADE:
        ticks = [round(mark * 10.0**decade, 10) for decade in decades for mark in marks]
        found = tuple(tick for tick in ticks if low <= tick <= high)
        if len(found) > _FEW:
            break
    if len(found) <= _FEW:  # less than a decade: round numbers instead
        found = tuple(tick for tick in straight_axis([low, high]).ticks if low <= tick <= high)
    return Axis(low, high, found, logarithmic=True)


def written(value: float) -> str:
    """The number of a tick without trailing zeros.

    >>> written(0.25), written(1200.0), written(3.0)
    ('0.25', '1,200', '3')
    """
    return f"{value:,.4f}".rstrip("0").rstrip(".")
