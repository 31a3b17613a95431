import subprocess
import sys
from types import ModuleType

import click
import pytest

from vlbench.cli.main import COMMANDS, main
from vlbench.core.errors import CheckFailed, UnknownName, VlbenchError

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
    [(["rum"], "No such command 'rum'"), (["leaderboard", "--no-such-option"], "No such option")],
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


def test_the_command_of_the_shell_says_one_line_and_no_traceback(tmp_path):
    done = call("leaderboard", "--results", str(tmp_path / "absent"))
    assert done.returncode == 2
    assert done.stderr.startswith("vlbench: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_one_line(run):
    error = PermissionError(13, "Permission denied", "/etc/site")
    code, _, said = run(error)
    assert (code, said) == (
        2, "vlbench: /etc/site: Permission denied; name another place or free this one\n"
    )  # fmt: skip
