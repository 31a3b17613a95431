"""Inputs whose doors do what no door may: the harness has to see each of them."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from fuzz.harness import OUT, Case, Input

from vlbench.core.errors import DataError

GOOD = json.dumps({"a": [1, 2], "b": "c"})


def one_file(root: Path) -> None:
    (root / "a.json").write_text(GOOD)


def only_damaged(harm: Callable[[Case], object], case: Case) -> None:
    """Do harm where a file is damaged: good ones have to be taken."""
    if (case / "a.json").read_text("utf-8", "replace") != GOOD:
        harm(case)


def refuses(_: Case) -> None:
    raise DataError("a.json: damaged; write it again")


def raises(_: Case) -> None:
    raise KeyError("planted")


def aborts(_: Case) -> None:
    os.abort()


def reads_outside(case: Case) -> None:
    try:
        (case / "../canary/secret.png").read_bytes()
    except Exception as error:
        raise DataError("a.json: damaged") from error


def lists_outside(_: Case) -> None:
    os.listdir("/")  # noqa: PTH208 - by the event that this is


def writes_outside(case: Case) -> None:
    (case / "a.json").write_text("")


def renames_outside(case: Case) -> None:
    (case / OUT / "a").write_text("")
    (case / OUT / "a").rename(case / "b")


def starts_a_program(_: Case) -> None:
    subprocess.run(["true"], check=True)


def asks_a_server(_: Case) -> None:
    import socket

    with socket.socket() as asked:
        asked.connect(("192.0.2.1", 80))


def hangs(_: Case) -> None:
    time.sleep(600)


def swallows_the_alarm(_: Case) -> None:
    with suppress(Exception):  # hides what it should not
        time.sleep(600)


def takes_memory(_: Case) -> None:
    assert len(b"x" * 100_000_000) > 0


HARMS: Mapping[str, Callable[[Case], object]] = {
    each.__name__: each
    for each in (
        *(refuses, raises, aborts, reads_outside, lists_outside, writes_outside, renames_outside),
        *(starts_a_program, asks_a_server, hangs, swallows_the_alarm, takes_memory),
    )
}


def _input(name: str) -> Input:
    return Input(name, one_file, ("a.json",), lambda case: only_damaged(HARMS[name], case))


INPUTS = {name: _input(name) for name in HARMS}
