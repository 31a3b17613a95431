import sys

import pytest

from vlbench.cli.output import answer, answer_text, say

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
