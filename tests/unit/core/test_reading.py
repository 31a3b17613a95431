"""A line says what was read; sources that do not say, and wrappers, work as well."""

from dataclasses import replace

import numpy as np
import pytest
from listed import listed

from vlbench.core.contracts import Target, Text
from vlbench.core.dataset import subset
from vlbench.core.problem import Problem, Query
from vlbench.core.reading import LeftOut, Reading, Tally, pasted, reading_line, what_was_read, wrong_template
from vlbench.core.relevance import Relevance
from vlbench.core.task import TaskRequest
from vlbench.task_kinds.classification import classification
from vlbench.task_kinds.retrieval import retrieval

READING = Reading("drawn", "a label for each", (LeftOut(3, "blots", "7.png"),), ("slow",))


def asked(source, names=("red cat", "dog"), **changes):
    request = TaskRequest(
        name="t", protocol="p", source=source, names=tuple(map(Text, names)), templates=("a {}.",)
    )
    return classification(replace(request, **changes))


def test_a_source_says_what_it_read_and_a_part_of_it_too() -> None:
    source = replace(listed((Target(label=0), Target(label=1))), reading=READING)
    expected = {
        "data": f"drawn ({source.name})",
        "images": "2 images; left out: 3 blots (the first: 7.png)",
        "texts": "2 classes: red cat, dog",
        "prompt": "a red cat.",
        "labels": "a label for each",
        "notes": "slow",
    }
    assert what_was_read(asked(source)) == expected
    assert subset(source, (1,)).reading == READING


def test_a_source_that_does_not_say_is_known_by_its_name() -> None:
    source = replace(listed((Target(label=0), Target(label=1))), name="drawn:here")
    said = what_was_read(asked(source))
    assert said["data"] == "drawn (drawn:here)"
    assert "labels" not in said
    assert said["images"] == "2 images"


def test_a_question_without_words_is_told_by_its_images() -> None:
    source = listed((Target(label=0), Target(label=1)))
    task = asked(source)
    pairs = Relevance(np.array([1]), np.array([0]), (2, 1))
    by_image = Problem(source, (Query(image=0),), pairs, references=source)
    said = what_was_read(replace(task, problem=by_image))
    assert said["texts"] == f"1 classes: {source[0].id}"
    assert "prompt" not in said
    nothing = Problem(source, (), Relevance(np.array([], int), np.array([], int), (2, 0)))
    assert what_was_read(replace(task, problem=nothing)).keys() == {"data", "images"}
    by_text = Problem(
        (Text("red cat"),), (Query(Text("cat")),), Relevance(np.array([0]), np.array([0]), (1, 1))
    )
    assert "data" not in what_was_read(replace(task, problem=by_text))


def test_of_many_names_the_first_and_the_number_are_told() -> None:
    names = tuple(f"kind {i}" for i in range(7))
    said = what_was_read(asked(listed(tuple(Target(label=i) for i in range(7))), names))
    assert said["texts"] == "7 classes, the first 'kind 0'"


def test_names_that_are_numbers_or_hold_underscores_are_told() -> None:
    notes = what_was_read(asked(listed((Target(label=0), Target(label=1))), ("7", "red_cat")))["notes"]
    assert "1 of 2 names are numbers or ids: prompts read 'a 7.'" in notes
    assert "1 of 2 names hold underscores, which prompts keep: 'red_cat'" in notes


def test_names_that_differ_in_case_or_blanks_alone_are_told() -> None:
    names = ("red cat", "dog", "Red_Cat")
    said = what_was_read(asked(listed(tuple(Target(label=i) for i in range(3))), names))
    assert "1 names stand twice but for case or blanks: 'red cat', 'Red_Cat'" in said["notes"]


def test_labels_that_may_count_from_one_are_told() -> None:
    names = ("a cat", "a dog", "a cow")
    notes = what_was_read(asked(listed((Target(label=1), Target(label=2))), names))["notes"]
    assert "1 of 3 classes have no image, the first 'a cat'" in notes
    assert "do the labels count from 1?" in notes
    names = (*names, "a hen")
    assert "count from 1?" in what_was_read(asked(listed((Target(label=1), Target(label=2))), names))["notes"]
    part = replace(asked(listed((Target(label=1), Target(label=2))), names), partial="limit 2")
    assert "count from 1" not in what_was_read(part)["notes"]
    last = what_was_read(asked(listed((Target(label=0), Target(label=1))), names))["notes"]
    assert "count from 1" not in last


def test_captions_with_line_breaks_are_told() -> None:
    source = listed((Target(captions=("a\nb",)), Target(captions=("c",))))
    said = what_was_read(retrieval(TaskRequest(name="t", protocol="p", source=source)))
    assert said["notes"] == "1 captions hold line breaks and are read as one each"
    assert said["prompt"] == "a b"


def test_a_tally_counts_by_why_and_names_the_first() -> None:
    tally = Tally()
    tally.leave_out("blots", "a")
    tally.add([LeftOut(2, "blots", "b"), LeftOut(1, "stains", "c")])
    assert tally.left_out == (LeftOut(3, "blots", "a"), LeftOut(1, "stains", "c"))
    below = Tally("/data/set")
    below.leave_out("blots", "/data/set/a/0.tar: key 1")
    assert below.left_out == (LeftOut(1, "blots", "a/0.tar: key 1"),)


def test_a_line_is_one_line() -> None:
    assert reading_line("t", {"data": "d", "notes": "a\nb"}) == "t: read d; note: a b"


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


@pytest.mark.parametrize("template", ["a photo", "a {} and a {}", "a {{}}", "a {c}", "a {} {", "%s"])
def test_a_template_has_one_placeholder_and_no_other_brace(template: str) -> None:
    assert "needs one {}" in wrong_template(template)


def test_a_plain_template_is_right() -> None:
    assert wrong_template("a photo of a {}.") == ""
