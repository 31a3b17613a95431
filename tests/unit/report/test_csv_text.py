import csv
import itertools
from importlib.resources import files

import pytest

from vlbench.report.csv_text import FORMULA, NUMBER, csv_text, guarded, read_csv, unguarded

ODD = "=+-@\t\r\n'\0\x1c\x85\u2028\u2029\"', \\a1＝"
NAMES = ["".join(letters) for length in range(4) for letters in itertools.product(ODD, repeat=length)]


@pytest.mark.parametrize(
    "cell", ["=1", "+a", "-a", "@a", "\ta", "\ra", "\n=1", "'=1", "''@", "＝1", "-1-1", "+"]
)
def test_no_cell_begins_as_a_formula(cell):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-3", "+inf", "-0.500000", "-1e-09", "+.5", "-nan", "3.", "", "a=1", "'a"])
def test_numbers_and_other_words_stay(cell):
    assert guarded(cell) == unguarded(cell) == cell


@pytest.mark.slow
def test_whatever_is_written_is_read_back():
    assert all(unguarded(guarded(name)) == name for name in NAMES)
    assert len(set(map(guarded, NAMES))) == len(set(NAMES))
    rows = [["name", "=n"], *([name, "x"] for name in NAMES)]
    assert read_csv(csv_text(rows)) == rows


def test_other_readers_find_as_many_cells_in_as_many_lines(tmp_path):
    text = csv_text([["a\rb", "c\nd"], ["e\u2028f", 'g"h'], [None, -1.5]])
    assert text == '"a\rb","c\nd"\ne\u2028f,"g""h"\n,-1.5\n'
    (tmp_path / "a.csv").write_bytes(text.encode())
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["a\rb", "c\nd"], ["e\u2028f", 'g"h'], ["", "-1.5"]]


def test_the_download_of_a_site_guards_alike():
    script = files("vlbench.report.site").joinpath("static/csv.js").read_text(encoding="utf-8")
    assert f"/^{FORMULA.pattern}/" in script
    assert f"/^{NUMBER.pattern}$/i" in script
