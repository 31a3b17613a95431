"""What of a request cannot be run or fails: told when met, while the rest goes on, and again at the end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vlbench.core.errors import VlbenchError, without_frames
from vlbench.core.machine import fault_line, hidden_fault, is_out_of_memory

if TYPE_CHECKING:  # every command imports this file, and few a result
    from vlbench.core.result import Result

_NAMED = 3
"""How many pairs a line names; the rest are counted."""


class NotAllRun(VlbenchError):
    """Parts of a request failed or could not be run, and the rest has run; raised at the end.

    `failed` has a line for each reason; `done` counts the pairs that have a result, `results` are those that
    a call would have returned. The command line exits with 1, or with 2 if none is done.
    """

    def __init__(self, failed: Sequence[str], done: int) -> None:
        super().__init__("; ".join(failed))
        self.failed = tuple(failed)
        self.done = done
        self.results: Sequence[Result] = ()


@dataclass(slots=True)
class Failures:
    """The failures of a request by reason, each with the models, tasks or pairs that it is true of.

    `asked` counts the pairs of the request, of which `done` are run or were there. The error of a single pair
    is raised as it is, and so is the first of any request with `fail_fast`.

    >>> failures = Failures(print, asked=2)
    >>> with failures.refusing("clip-b32 on places"):
    ...     raise VlbenchError("no data found")
    refused: clip-b32 on places: no data found
    >>> failures.done += 1
    >>> failures.raise_found()
    Traceback (most recent call last):
    vlbench.api.failures.NotAllRun: refused: clip-b32 on places: no data found
    """

    tell: Callable[[str], None]
    fail_fast: bool = False
    asked: int = 1
    done: int = 0
    _found: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _first: VlbenchError | None = None

    @contextmanager
    def refusing(self, what: str) -> Iterator[None]:
        """Note an error of this block, in which a model, a task or a pair is prepared."""
        with self._noting("refused", what):
            yield

    @contextmanager
    def running(self, what: str) -> Iterator[None]:
        """Note an error of this block, in which a pair is run."""
        with self._noting("failed", what):
            yield

    @contextmanager
    def _noting(self, how: str, what: str) -> Iterator[None]:
        try:
            yield
        except VlbenchError as error:
            fault = hidden_fault(error)
            if self.fail_fast or self.asked == 1 or not (fault is None or is_out_of_memory(fault)):
                raise  # a full disk would stop the others too
            reason = str(error) if fault is None else fault_line(fault)
            of = self._found.setdefault((how, reason), [])
            self.tell(f"{how}: {what}: as {of[0]}" if of else _line(how, [what], reason))
            of.append(what)
            self._first = self._first or without_frames(error)

    def raise_found(self) -> None:
        """Raise what was noted, if anything was.

        Raises:
            NotAllRun: other pairs are done, or there are several reasons.
            VlbenchError: no pair is done, for one reason, whose error this is.
        """
        lines = [_line(how, of, reason) for (how, reason), of in self._found.items()]
        if self._first is not None and len(lines) == 1 and not self.done:
            raise self._first
        if lines:
            raise NotAllRun(lines, self.done)


def _line(how: str, of: Sequence[str], reason: str) -> str:
    """A failure on one line; what its reason begins with is not named twice."""
    if all(reason.startswith(f"{each}: ") for each in of):
        return f"{how}: {reason}"
    more = f" and {len(of) - _NAMED} more" if len(of) > _NAMED else ""
    return f"{how}: {', '.join(of[:_NAMED])}{more}: {reason}"
