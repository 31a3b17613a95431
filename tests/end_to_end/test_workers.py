"""A run with workers that is killed, and one that is told to stop, go on where they were."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from child_command import start

from vlbench.engine.feature_store import read_segment

ASKED = ("run", "--model", "tiny-clip", "--task", "digits,shapes-tags", "--seed", "0")
MOST_SECONDS = 300


def places(folder: Path) -> tuple[str, ...]:
    return "--cache", str(folder / "cache"), "--results", str(folder / "results")


def started(folder: Path) -> subprocess.Popen[str]:
    """A run with two workers. It starts Ray, whose processes are to be its own."""
    command = [sys.executable, "-m", "vlbench", *ASKED, *places(folder), "--device", "cpu:2"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stored(folder: Path) -> list[str]:
    """The key of each row that is stored, of images and of words."""
    segments = (folder / "cache" / "features").glob("*/*.features")
    return [key for path in segments for record in read_segment(path) for key in record.keys]


def stopped(folder: Path, number: int) -> subprocess.Popen[str]:
    """A run that was sent a signal as soon as it had stored something more."""
    before, process = len(stored(folder)), started(folder)
    over = time.monotonic() + MOST_SECONDS
    while len(stored(folder)) == before:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < over
        time.sleep(0.01)
    process.send_signal(number)
    return process


def children_of(session: int) -> list[str]:
    """The processes of a Ray that a process started, by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"_{session}/" in line:
            found.append(line)
    return found


def numbers(folder: Path) -> dict[str, object]:
    """What the results say, but for how long it took and on what."""
    found = {}
    for path in sorted((folder / "results").glob("*/*.json")):
        result = json.loads(path.read_text())
        del result["timing"]
        found[path.parent.name] = result
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_a_run_that_is_stopped_leaves_no_process_and_goes_on_to_the_same_numbers(tmp_path):
    alone = start(*ASKED, *places(tmp_path / "alone"), "--device", "cpu")  # meanwhile
    process = stopped(tmp_path, signal.SIGKILL)
    process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == -signal.SIGKILL
    process = stopped(tmp_path, signal.SIGTERM)
    asked = time.monotonic()
    _, told = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == 143
    assert time.monotonic() - asked < 15  # half of five where nothing else runs
    assert told.endswith("vlbench: stopped; what is finished is kept, the same command goes on from there\n")
    assert children_of(process.pid) == []
    process = started(tmp_path)
    _, told = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == 0, told
    keys = stored(tmp_path)
    assert len(keys) == len(set(keys))  # none is encoded twice
    done = alone.end()
    assert done.returncode == 0, done.stderr
    assert numbers(tmp_path) == numbers(tmp_path / "alone")
    assert set(numbers(tmp_path)) == {"digits", "shapes-tags"}
