"""A line says what was read; sources that do not say, and wrappers, work as well."""

from dataclasses import replace

import numpy as np
from listed import listed

from vlbench.core.contracts import Target, Text
from vlbench.core.dataset import subset
from vlbench.core.problem import Problem, Query
from vlbench.core.reading import LeftOut, Reading
from vlbench.core.relevance import Relevance
from vlbench.core.task import TaskRequest
from vlbench.core.task_reading import reading_line, what_was_read
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


def test_a_line_is_one_line() -> None:
    assert reading_line("t", {"data": "d", "notes": "a\nb"}) == "t: read d; note: a b"
