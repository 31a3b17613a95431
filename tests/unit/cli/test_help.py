"""`vlbench help` prints what `--help` does."""

import pytest

from vlbench.cli.main import main


def printed(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return stop.value.code, *capsys.readouterr()


@pytest.mark.parametrize("command", [(), ("run",)], ids=["vlbench", "run"])
def test_help_is_that_of_the_flag(capsys, command):
    assert printed(capsys, "help", *command) == printed(capsys, *command, "--help")


def test_an_unknown_command_is_named(capsys):
    code, _, said = printed(capsys, "help", "nope")
    assert code == 2
    assert "no command named 'nope'" in said
