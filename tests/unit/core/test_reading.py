"""What is left out is counted, and lines that were pasted from code are told from plain ones."""

import pytest

from vlbench.core.reading import LeftOut, Tally, pasted, wrong_template


def test_a_tally_counts_by_why_and_names_the_first() -> None:
    tally = Tally()
    tally.leave_out("blots", "a")
    tally.add([LeftOut(2, "blots", "b"), LeftOut(1, "stains", "c")])
    assert tally.left_out == (LeftOut(3, "blots", "a"), LeftOut(1, "stains", "c"))
    below = Tally("/data/set")
    below.leave_out("blots", "/data/set/a/0.tar: key 1")
    assert below.left_out == (LeftOut(1, "blots", "a/0.tar: key 1"),)
    unwritable = Tally()
    unwritable.leave_out("blots", "caf\udce9.txt")  # a name that is no UTF-8, as the disk gives it
    assert unwritable.left_out == (LeftOut(1, "blots", r"caf\udce9.txt"),)


@pytest.mark.parametrize(
    ("lines", "number", "told"),
    [
        (["a photo of a {}.", "'a photo of a {}.',"], 2, "string of code"),
        (['"tench"', '"goldfish"'], 1, "string of code"),
        (["f'a photo of a {}.'"], 1, "string of code"),
        (["lambda c: f'a photo of a {c}.',"], 1, "is code"),
        (['["tench", "goldfish"]'], 1, "is code"),
        (["templates = [", "a {}", "]"], 1, "is code"),
        (["[", "tench,", "]"], 1, "opens a list"),
        (["tench # the fish", "goldfish"], 1, "a comment"),
        (["# classes", "tench"], 1, "a comment"),
        (["0: tench", "1: goldfish"], 1, "begins with its number"),
        (["1. tench", "2. goldfish"], 1, "begins with its number"),
        (["0 tench", "1 goldfish"], 1, "begins with its number"),
        (["n01440764 tench", "n01443537 goldfish"], 1, "begins with an id"),
        (["Name", "tench", "goldfish"], 1, "is the header of a table"),
        (["- tench", "- goldfish"], 1, "the mark of a list"),
        (["tench,", "goldfish,", "shark"], 1, "ends with a comma"),
        (["a photo of a {}.,"], 1, "ends as a line of code does, in '.,'"),
        (["tench", "goldfish;"], 2, "ends as a line of code does"),
        (["a photo of a {}.\\n"], 1, "ends as a line of code does"),
    ],
)
def test_a_pasted_line_is_told(lines: list[str], number: int, told: str) -> None:
    found = pasted(lines)
    assert found is not None
    assert found[0] == number
    assert told in found[1]


@pytest.mark.parametrize(
    "lines",
    [
        ["tench", "goldfish"],
        ["tench, Tinca tinca", "goldfish, Carassius auratus"],  # commas within names
        ["3 dogs", "5 cats"],  # numbers that do not count the lines
        ["0", "1", "2"],
        ["jack-o'-lantern", "'80s car", "#", "(", "C# code"],
        ["{}", "a photo of a {}."],
        ["n01440764", "n01443537"],
        ["{}, a photo", "a {} - seen from above"],
    ],
)
def test_plain_lines_are_let_through(lines: list[str]) -> None:
    assert pasted(lines) is None


@pytest.mark.parametrize("template", ["a photo", "a {} and a {}", "a {{}}", "a {d}", "a {} {", "%s"])
def test_a_template_has_one_placeholder_and_no_other_brace(template: str) -> None:
    assert "needs one {}" in wrong_template(template)
    assert wrong_template("a {c}") == "holds {c}, as CLIP_benchmark's files do; write {} for the name"


def test_a_plain_template_is_right() -> None:
    assert wrong_template("a photo of a {}.") == ""


def test_a_line_that_begins_with_thousands_of_digits_is_plain() -> None:
    assert pasted([f"{'1' * 5000}: tench", f"{'1' * 5000}: goldfish"]) is None


def test_a_name_that_is_no_text_is_counted_under_one_that_is() -> None:
    tally = Tally()
    tally.leave_out("images without a line", "a/x\udc80.png")
    assert tally.left_out[0].first == r"a/x\udc80.png"
