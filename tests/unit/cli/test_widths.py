"""A terminal's width is minded by every command that prints a table; a pipe gets whole lines."""

import ast
import sys
from pathlib import Path

import pytest

import vlbench
from vlbench.cli.main import group
from vlbench.core.registry import METHODS

RESULTS = str(Path(__file__).parents[3] / "results")


@pytest.fixture
def printed(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments, watched):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: watched)
        group.main([*arguments], standalone_mode=False)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "tasks"),
        ("list", "models", "--local"),
        ("list", "methods"),
        ("show", "vtab"),
        ("data", "check", "vtab"),
        pytest.param(("compare", "tiny-clip", "tiny-coop", "--results", RESULTS), marks=pytest.mark.slow),
        pytest.param(("doctor",), marks=pytest.mark.slow),
    ],
)
def test_no_row_is_wider_than_the_terminal(printed, arguments):
    lines = printed(*arguments, watched=True)
    assert max(len(line) for line in lines if "  " in line) <= 80
    assert len(lines) > 4


def test_a_pipe_gets_a_line_for_each_row(printed):
    _, *rows = printed("list", "methods", watched=False)[: len(METHODS.names()) + 1]
    assert [row.split()[0] for row in rows] == [*METHODS.names()]
    assert max(map(len, rows)) > 80


@pytest.mark.slow
def test_every_table_is_told_how_wide_it_may_be():
    without = []
    for path in Path(vlbench.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "text" and not call.args:
                given = {keyword.arg for keyword in call.keywords}
                without += [f"{path.name}:{call.lineno}"] if "width" not in given else []
    assert without == []
