"""vlbench in a process of its own, forked from one that has imported torch: that saves most of the time.

What reads the environment as it is imported (the hub's client, transformers) is not imported before, and
nothing of vlbench is: the process sees its own environment, folder and plug-ins.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_LIGHT = """
import sys
from vlbench.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("imported:", *sys.modules)
"""
HEAVY = frozenset({"datasets", "pandas", "scipy", "sklearn", "torch"})
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["pandas", "PIL.Image", "scipy.stats", "torch._dynamo", "torchvision"])


@dataclass(frozen=True, slots=True)
class Command:
    """A process that runs, and the files that hold what it says."""

    process: multiprocessing.process.BaseProcess
    said: tempfile.TemporaryDirectory[str]

    def end(self) -> "subprocess.CompletedProcess[str]":
        """Wait until it ends; the exit code of a signal is its number, negative."""
        self.process.join()
        code = self.process.exitcode
        assert code is not None
        out, err = (_file(self.said, number).read_text(encoding="utf-8") for number in (1, 2))
        self.process.close()
        self.said.cleanup()
        return subprocess.CompletedProcess((), code, out, err)


def start(
    *arguments: object,
    code: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Command:
    """Start `vlbench ARGUMENTS`, or `python -c CODE ARGUMENTS`, in a folder and with a whole environment."""
    said = tempfile.TemporaryDirectory()
    environment = {**(os.environ if environment is None else environment), "OMP_WAIT_POLICY": "passive"}
    files = (str(_file(said, 1)), str(_file(said, 2)))
    asked = (tuple(map(str, arguments)), code, str(folder or Path.cwd()), environment, files)
    process = _SERVER.Process(target=_run, args=asked)
    process.start()
    return Command(process, said)


def vlbench(
    *arguments: object,
    code: str | None = None,
    folder: Path | None = None,
    expect: int | None = 0,
    **added: str,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with what is added to an environment without VLBENCH_ variables.

    Raises:
        AssertionError: its exit code is another than `expect`.
    """
    done = start(*arguments, code=code, folder=folder, environment={**_inherited(), **added}).end()
    assert expect in (None, done.returncode), f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def light(
    *arguments: object, folder: Path | None = None, expect: int = 0, heavy: frozenset[str] = HEAVY
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process that starts as a user's does.

    Raises:
        AssertionError: its exit code is another than `expect`, or it imports what is heavy.
    """
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT, *map(str, arguments)],
        cwd=folder,
        env=_inherited(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert not heavy & {*done.stdout.splitlines()[-1].split()}
    return done


def _inherited() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("VLBENCH_")}


def _file(said: "tempfile.TemporaryDirectory[str]", number: int) -> Path:
    return Path(said.name) / str(number)


def _run(
    arguments: tuple[str, ...],
    code: str | None,
    folder: str,
    environment: dict[str, str],
    files: tuple[str, str],
) -> None:
    for number, path in enumerate(files, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    if code is None:
        sys.argv = ["vlbench", *arguments]
        runpy.run_module("vlbench", run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *arguments]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
