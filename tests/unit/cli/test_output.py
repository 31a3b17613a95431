import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

import vlbench
from vlbench.cli.output import answer, answer_text, say

PRINTING = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write", "tqdm.write"}
NAME = "\x1b[31mred\n\u202ename"
SHOWN = r"\u001b[31mred\n\u202ename"


def test_a_line_is_one_line_whatever_it_names(capsys):
    say(NAME)
    answer(NAME)
    assert capsys.readouterr() == (f"{SHOWN}\n", f"{SHOWN}\n")


@pytest.mark.parametrize("watched", [True, False])
def test_another_programs_text_is_exact_unless_a_terminal_shows_it(capsys, monkeypatch, watched):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: watched)
    answer_text(f"{NAME}\n", exact=True)
    answer_text(NAME)
    lines = SHOWN.replace(r"\n", "\n")
    assert capsys.readouterr().out == f"{lines if watched else NAME}\n{lines}\n"


@pytest.mark.slow
def test_nothing_prints_but_the_doors_and_the_line_of_an_error():
    found = Counter()
    for path in Path(vlbench.__file__).parent.rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        found[path.name] += sum(ast.unparse(call.func) in PRINTING for call in calls)
    assert +found == {"output.py": 3, "main.py": 1}
