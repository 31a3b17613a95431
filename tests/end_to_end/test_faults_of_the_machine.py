"""A full disk, memory that ends, folders that nobody may write in: one line, and the same numbers later."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from child_command import start

LIMITED = (
    "import resource, sys\n"
    "from vlbench.cli.main import main\n"
    "resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]),) * 2)\n"
    "main(sys.argv[3:])"
)
"""A command under a limit: of the size of files, which fail as on a full disk, or of memory."""
COMMANDS = {
    "run": "run -m tiny-clip -t shapes --device cpu --workers 0 --cache cache --results results",
    "leaderboard": "leaderboard --results results",
    "site": "site --results results --out site",
    "check": "check --results results --baseline baseline.csv --update",
}
PEAK = "import sys; from vlbench.cli.main import main\ntry: main(sys.argv[1:])\nfinally: "
PEAK += "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmPeak')))"


def call(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """A command with no limit; modules that are compiled are not written."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return start(*COMMANDS[command].split(), folder=folder, environment=environment).end()


def limited(folder: Path, command: str, limit: str, most: int) -> subprocess.CompletedProcess[str]:
    """A command under a limit, which does not count the pipes that it speaks through."""
    folder.mkdir(exist_ok=True)
    return fresh(folder, LIMITED, limit, str(most), *COMMANDS[command].split())


def fresh(folder: Path, *code: str) -> subprocess.CompletedProcess[str]:
    """Code in a process that starts as a user's does, and writes no module that is compiled."""
    asked = [sys.executable, "-B", "-c", *code]
    return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)


def line_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that failed."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("vlbench: ")]
    return line


def contents(folder: Path) -> dict[str, object]:
    """All that a folder holds but the cache, and what depends on how long it took."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith("cache/") and path.parent.name != "results":
            data = path.read_bytes()
            found[name] = json.loads(data) | {"timing": None} if path.suffix == ".json" else data
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every command ran undisturbed."""
    folder = tmp_path_factory.mktemp("whole")
    for command in COMMANDS:
        assert call(folder, command).returncode == 0
    return folder


@pytest.mark.parametrize(
    ("command", "most", "made", "place"),
    [
        ("run", 20_000, ("cache", "results"), "cache/features/"),
        ("run", 300, ("cache", "results"), "cache/"),
        ("run", 1_500, ("results",), "results/shapes"),
        ("leaderboard", 60, ("results/leaderboard.csv",), "results"),
        ("site", 0, ("site",), "site"),
        ("site", 5_000, ("site",), "site/"),
        ("check", 50, ("baseline.csv",), "."),
    ],
)
def test_a_full_disk_is_one_line_and_with_room_the_command_goes_on(
    whole: Path, tmp_path: Path, command: str, most: int, made: tuple[str, ...], place: str
) -> None:
    folder = tmp_path / "trial"
    shutil.copytree(whole, folder)
    for name in made:
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()
    line = line_of(limited(folder, command, "RLIMIT_FSIZE", most))
    assert f"File too large; make room in {place}" in line
    assert "the same command goes on from what is finished" in line
    assert call(folder, command).returncode == 0
    assert contents(folder) == contents(whole)
    assert not list(folder.rglob(".*passing"))


@pytest.mark.parametrize("place", ["cache", "results"])
def test_a_folder_that_nobody_may_write_in_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(mode=0o500)
    if os.access(tmp_path / place, os.W_OK):
        pytest.skip("this user may write everywhere")
    line = line_of(call(tmp_path, "run"))
    assert "Permission denied; let this user read and write in" in line
    assert place in line


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_that_ends_is_one_line(tmp_path: Path) -> None:
    """At limits well below what is needed; close to that, C libraries abort by themselves."""
    done = fresh(tmp_path, PEAK, *COMMANDS["run"].split())
    assert done.returncode == 0, done.stderr
    peak = 1024 * int(done.stdout.split()[-1])
    for part in (0.3, 0.45, 0.6):
        done = limited(tmp_path / str(part), "run", "RLIMIT_AS", int(part * peak))
        assert "too little memory" in line_of(done)
        assert len(done.stderr.splitlines()) == 2  # the other says what was read
