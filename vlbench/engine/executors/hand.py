"""One worker as its driver knows it, and the orders that it has."""

import time
from dataclasses import dataclass, field
from typing import Any

from vlbench.engine.executors.order import Order
from vlbench.engine.executors.place import About


@dataclass(slots=True, eq=False)
class Hand:
    """One worker: its actor, the answer that tells it has started, its orders by the references to come."""

    device: str
    actor: Any = None
    starting: Any = None
    about: About | None = None
    flying: dict[Any, Order] = field(default_factory=dict)
    starts: int = 0
    images: int = 0
    since: float = 0.0

    @property
    def rate(self) -> float:
        """Images a second since its first order."""
        return self.images / max(1e-9, time.monotonic() - self.since)


def line_of(error: Exception) -> str:
    """The first line of what Ray says of an error, its name where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__
