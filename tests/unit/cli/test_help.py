"""`vlbench help` prints what `--help` does."""

import pytest


@pytest.mark.parametrize("command", [(), ("run",)], ids=["vlbench", "run"])
def test_help_is_that_of_the_flag(run, command):
    assert run("help", *command) == run(*command, "--help")


def test_an_unknown_command_is_named(run):
    code, _, said = run("help", "nope")
    assert code == 2
    assert "no command named 'nope'" in said
