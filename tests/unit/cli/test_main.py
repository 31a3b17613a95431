import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from vlbench.cli.main import COMMANDS, group, main
from vlbench.core.errors import CheckFailed, DataError, LacksMemory, UnknownName, VlbenchError

HEAVY = {"torch", "numpy", "pandas", "pydantic", "ruamel", "yaml", "scipy", "PIL", "datasets", "open_clip"}


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs `vlbench run` with a body that raises `error`; the answer is (exit code, stdout, stderr)."""

    def run(error):
        def body() -> None:
            raise error

        module = ModuleType("vlbench.cli.run")
        module.command = click.command("run")(body)
        monkeypatch.setitem(sys.modules, "vlbench.cli.run", module)
        with pytest.raises(SystemExit) as stop:
            main(["run"])
        return stop.value.code, *capsys.readouterr()

    return run


def call(*arguments):
    command = [sys.executable, "-c", "from vlbench.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_every_command_that_is_stopped_ends_in_a_line(monkeypatch, capsys, number):
    module = ModuleType("vlbench.cli.ood")
    module.command = click.command("ood")(lambda: os.kill(os.getpid(), number))
    monkeypatch.setitem(sys.modules, "vlbench.cli.ood", module)
    with pytest.raises(SystemExit) as stop:
        main(["ood"])
    assert stop.value.code == 128 + number
    line = "vlbench: stopped; what is finished is kept, the same command goes on from there\n"
    assert capsys.readouterr() == ("", line)


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom vlbench.cli.main import main\n"
        "try:\n    main(['--help'])\nfinally:\n    print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.strip("'").split(".")[0] for name in done.stderr.strip("[]\n").split(", ")}
    assert "click" in imported
    assert not HEAVY & imported
    for name, line in COMMANDS.items():
        assert f"{name} {line}" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_no_command_imports_torch_before_it_runs():
    code = (
        "import sys\nfrom importlib import import_module\nfrom vlbench.cli.main import COMMANDS, MODULES\n"
        "for name in COMMANDS:\n    import_module(f'vlbench.cli.{MODULES.get(name, name)}')\n"
        "print({'torch', 'scipy', 'pandas', 'datasets', 'open_clip', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_wrong_argument_is_told_without_what_a_terminal_obeys(capsys):
    with pytest.raises(SystemExit):
        main(["leaderboard", "\u202ename\x9b31m"])
    assert r"unexpected extra argument (\u202ename\u009b31m)" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(VlbenchError("wrong"), 2), (CheckFailed("wrong"), 1)])
def test_a_users_mistake_exits_2_and_a_failed_check_1(run, error, code):
    assert run(error) == (code, "", "vlbench: wrong\n")


def test_an_error_is_one_line_whatever_it_holds(run):
    error = UnknownName("model", "a\nb", [], advice="first\n  second")
    assert run(error)[2] == "vlbench: no model named 'a\\nb'; first second\n"


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    module = ModuleType("vlbench.cli.run")
    module.command = click.command("run")(lambda: 1 / 0)
    monkeypatch.setitem(sys.modules, "vlbench.cli.run", module)
    with pytest.raises(ZeroDivisionError):
        main(["run"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["rum"], "no command named 'rum'"), (["leaderboard", "--no-such-option"], "No such option")],
)
def test_a_misspelt_command_or_option_exits_2(arguments, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_the_version_is_the_distributions(capsys):
    from importlib.metadata import version

    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert version("vlbench") in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_of_the_shell_says_one_line_and_no_traceback(tmp_path):
    done = call("leaderboard", "--results", str(tmp_path / "absent"))
    assert done.returncode == 2
    assert done.stderr.startswith("vlbench: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(13, "Permission denied", "/etc/site"), "let this user read and write in /etc"),
        (OSError(28, "No space left on device", "/etc/site"), "make room in /etc or name another place"),
        (IsADirectoryError(21, "Is a directory", "/etc/site"), "name another place or free this one"),
        (OSError(28, "No space left on device"), "make room where it writes"),
        (MemoryError(), "pass a smaller --batch-size"),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), "pass a smaller --batch-size"),
    ],
)
def test_a_fault_of_the_machine_is_one_line_with_the_way_out(run, monkeypatch, error, advice):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    code, _, said = run(error)
    assert (code, len(said.splitlines())) == (2, 1)
    assert said.startswith(f"vlbench: {getattr(error, 'filename', None) or ''}")
    assert advice in said


def test_what_may_not_be_read_is_not_called_damaged(run):
    error = DataError("/d/a.npz: a damaged record; delete it")
    error.__cause__ = PermissionError(13, "Permission denied", "/d/a.npz")
    assert run(error)[2] == (
        "vlbench: /d/a.npz: Permission denied; let this user read and write in /d, or name another place\n"
    )


def test_a_login_in_an_address_is_not_shown(run):
    error = VlbenchError("404 for url: https://me:pa55word@hub.example/api/x@y and http://hub@2")
    assert run(error)[2] == "vlbench: 404 for url: https://***@hub.example/api/x@y and http://***@2\n"


def test_an_error_that_says_where_memory_lacks_stands(run, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    error = LacksMemory("too little memory to load it")
    error.__cause__ = MemoryError()
    assert run(error)[2] == "vlbench: too little memory to load it\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is full is Linux's")
@pytest.mark.parametrize("streams", [("stdout",), ("stdout", "stderr")])
def test_output_that_nothing_takes_is_one_line(streams):
    command = [sys.executable, "-c", "from vlbench.cli.main import main; main()", "list", "models"]
    with Path("/dev/full").open("w") as full:
        places = {"stdout": full, "stderr": full if "stderr" in streams else subprocess.PIPE}
        done = subprocess.run(command, text=True, check=False, **places)
    assert done.returncode == 2
    if "stderr" not in streams:
        assert done.stderr.startswith("vlbench: No space left on device; make room where it writes")
        assert len(done.stderr.splitlines()) == 1


def test_words_to_choose_from_are_listed_in_lines(capsys):
    with pytest.raises(SystemExit):
        main(["list"])
    assert "\n\tmodels,\n\ttasks," in capsys.readouterr().err


@pytest.mark.slow
def test_what_a_command_needs_it_asks_for():
    ways = [(group.get_command(None, name), (name,)) for name in COMMANDS]
    asking = set()
    for command, path in ways:
        if isinstance(command, click.Group):
            ways += [(each, (*path, name)) for name, each in command.commands.items()]
        elif any(each.required for each in command.params):
            done = CliRunner().invoke(command, [])
            assert (done.exit_code, "Missing" in done.output) == (2, True), path
            asking.add(path)
    assert {("export",), ("run",), ("import", "coop"), ("list",)} <= asking


@pytest.mark.parametrize(
    ("typed", "told"), [("shw", "did you mean show?"), ("benchmark", "no command named")]
)
def test_a_command_that_is_none_is_told_as_other_names_are(typed, told, capsys):
    with pytest.raises(SystemExit) as stop:
        main([typed, "tiny-clip"])
    assert stop.value.code == 2
    assert told in capsys.readouterr().err
