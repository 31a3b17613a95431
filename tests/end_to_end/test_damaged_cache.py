"""A cache that is damaged anywhere: the numbers stay, or a line says why there are none."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from vlbench.cli.main import main

TASKS = "shapes-retrieval,digits"


def _flip(path: Path, random: Random, bits: int) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(bits):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def _truncate(path: Path, random: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(len(data))])


def _zero(path: Path, random: Random) -> None:
    data = bytearray(path.read_bytes())
    start = random.randrange(len(data))
    stop = min(start + 512, len(data))
    data[start:stop] = bytes(stop - start)
    path.write_bytes(data)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Callable[[Path, Random], object], ...] = (
    lambda path, random: _flip(path, random, 1),
    lambda path, random: _flip(path, random, 8),
    _truncate,
    _zero,
    lambda path, random: path.write_bytes(path.read_bytes() + random.randbytes(64)),
    lambda path, _: path.write_bytes(b""),
    lambda path, _: _folder(path),
)


def run(folder: Path) -> object:
    """The exit code of a run in a folder; anything but SystemExit is a traceback."""
    where = ["--cache", folder / "cache", "--results", folder / "results"]
    more = ["--limit", 24, "--device", "cpu", "--workers", 0]
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, ["run", "-m", "tiny-clip", "-t", TASKS, *where, *more])))
    return stop.value.code


def values(folder: Path) -> dict[str, object]:
    """What the results say, but for the time it took."""
    found = {}
    for path in sorted((folder / "results").glob("*/*.json")):
        found[path.name + path.parent.name] = json.loads(path.read_text()) | {"timing": None}
    return found


def damage_and_run(folder: Path, *, count: int, seed: int) -> list[str]:
    """Damage one file of a filled cache, run, compare; `count` times. The answer names what went wrong."""
    random = Random(seed)
    assert run(folder / "whole") in (None, 0)
    right = values(folder / "whole")
    wrong = []
    for number in range(count):
        trial = folder / "trial"
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(folder / "whole" / "cache", trial / "cache")
        lying = (path for path in (trial / "cache").rglob("*") if path.is_file())
        files = sorted(path for path in lying if path.stat().st_size)  # locks are empty
        kind = random.choice(sorted({path.relative_to(trial / "cache").parts[0] for path in files}))
        path = random.choice([each for each in files if each.relative_to(trial / "cache").parts[0] == kind])
        damage = number % len(DAMAGES)
        DAMAGES[damage](path, random)
        code = run(trial)
        found = values(trial)
        said = f"{number}: {path.relative_to(trial)}, damage {damage}: exit {code}"
        if code in (None, 0) and found != right:
            wrong.append(f"{said}, other results")
        # 1 where other tasks are done, 2 where none is
        refused = code == 1 + (not found)
        if code not in (None, 0) and (not refused or any(right[name] != found[name] for name in found)):
            wrong.append(said)
    return wrong


def test_a_damaged_cache_is_never_a_wrong_number_nor_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert damage_and_run(tmp_path, count=24, seed=0) == []
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "Aborted!" not in said
