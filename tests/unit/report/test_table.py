import csv
from io import StringIO

import pytest

from vlbench.report.markdown import Markdown
from vlbench.report.table import Table, decimals, with_interval


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    table = Table(["name", "n", "text"], [["a", 1.5, "x"], ["bcdef", None, ""]], right={"n"})
    assert table.text() == "name     n  text\n-----  ---  ----\na      1.5  x\nbcdef"
    assert Table(["a", "b"], []).text() == "a  b\n-  -"


def test_rows_are_listed_without_a_rule_or_some_fields() -> None:
    rows = [{"name": "a", "n": 1, "file": "f", "title": "A"}, {"name": "bcd", "n": None, "title": ""}]
    assert Table.of(rows, without={"file"}).text(ruled=False) == "name  n  title\na     1  A\nbcd"
    assert Table.of([]).text() == "(none)"


SENTENCE = "a sentence of many words that is as long as a line of a terminal"
NAME = "a-name/of/one/word-that-is-not-to-be-broken"
ROW = ["n", 1, SENTENCE, NAME]


def test_a_terminal_gets_sentences_wrapped_at_blanks_and_a_pipe_one_line() -> None:
    table = Table(["name", "n", "what", "where"], [ROW], right={"n"})
    assert table.text().splitlines()[2] == f"n     1  {SENTENCE}  {NAME}"
    lines = table.text(width=80).splitlines()
    assert [line[9:35].rstrip() for line in lines[2:]] == [
        "a sentence of many words",
        "that is as long as a line",
        "of a terminal",
    ]
    assert lines[2].endswith(f"  {NAME}")
    assert max(map(len, lines)) <= 80


def test_columns_that_do_not_fit_are_below_or_named_and_nothing_else_is_wide() -> None:
    table = Table(["name", "n", "what", "where"], [ROW], right={"n"})
    below = table.text(width=40).split("\n\n")
    assert [part.split()[:3] for part in below] == [["name", "n", "what"], ["name", "where", "----"]]
    assert max(map(len, below[0].splitlines())) <= 40
    assert below[1].splitlines()[2] == f"n     {NAME}"  # wider than the terminal, for a name is not broken
    left_out = table.text(width=40, below=False)
    assert left_out == f"{below[0]}\n\nnot shown: where; a wider terminal, a pipe and --json have all"
    assert "\n\n" not in table.text(width=3)
    keys = Table(["a name", "b"], [["x y", SENTENCE]]).text(width=30, keys=1)
    assert keys.splitlines()[2].startswith("x y     a sentence")


def test_wide_letters_take_two_columns_and_combining_ones_none() -> None:
    wide, narrow = Table(["a", "b"], [["猫", 1], ["e\u0301\u0301", 2]]).text().splitlines()[2:]
    assert (wide, narrow) == ("猫  1", "e\u0301\u0301   2")


def test_no_cell_breaks_a_table_markdown_or_csv() -> None:
    table = Table(["a|b"], [["x|y\nz\x1b[2J\u202e"], ['=q"'], [Markdown("<br>")]])
    assert table.text().splitlines()[2:] == [r"x|y\nz\u001b[2J\u202e", '=q"', "<br>"]
    rows = ["| a\\|b |", "| --- |", r"| x\|y\\nz\\u001b[2J\\u202e |", '| =q" |', "| <br> |"]
    assert table.markdown().split("\n") == rows
    assert list(csv.reader(StringIO(table.csv(), newline=""))) == [
        *(["a|b"], ["x|y\nz\x1b[2J\u202e"], ["'=q\""], ["<br>"])
    ]


def test_a_row_has_as_many_cells_as_the_header() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Table(["a", "b"], [["x"]]).text()


def test_numbers_have_their_sign_and_interval() -> None:
    assert with_interval(0.1, 0.0, 0.2, 2, sign="+") == "+0.10 [+0.00, +0.20]"
    assert with_interval(0.1, None, 0.2) == decimals(0.1) == "0.1000"
    assert with_interval(None, 0.0, 0.2) == "-"
