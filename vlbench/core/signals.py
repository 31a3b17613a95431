"""Ctrl-C and SIGTERM: noted, so that what is under way can be finished, or raised as an interrupt."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noting_stops() -> Iterator[list[int]]:
    """The signals to stop that came so far; a second one interrupts at once. Threads note none."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        if len(noted) > 1:
            _interrupt(number, frame)

    with _handling(note):
        yield noted


@contextmanager
def interrupted_by_stops() -> Iterator[None]:
    """SIGTERM raises `KeyboardInterrupt` with its number, as Ctrl-C does, so that what is open is closed."""
    with _handling(_interrupt):
        yield


def _interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(number)


@contextmanager
def _handling(handler: "signal._HANDLER") -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals are handled there alone
        yield
        return
    before = {each: signal.signal(each, handler) for each in STOPS}
    try:
        yield
    finally:
        for each, former in before.items():
            signal.signal(each, former)
