from dataclasses import replace

import pytest
from listed import listed

from vlbench.core.contracts import Target, Text
from vlbench.core.errors import DataError, UnknownName
from vlbench.core.task import TaskRequest
from vlbench.engine.measure import truth_digest
from vlbench.task_kinds.tagging import tagging

NAMES = (Text("cat"), Text("dog"), Text("train", ids={"ram": "7"}))


def build(*targets, names=NAMES):
    return tagging(TaskRequest(name="tags", protocol="test", source=listed(targets), names=names))


def test_images_have_any_number_of_tags():
    task = build(Target(tags=("dog", "7")), Target(tags=()), Target(tags=(0, "cat")))
    assert task.problem.relevant.dense().tolist() == [
        [False, True, True],
        [False, False, False],
        [True, False, False],
    ]
    assert task.scoring.name == "matrix"


def test_a_label_alone_is_the_one_tag():
    assert build(Target(label="dog")).problem.relevant.queries.tolist() == [1]


def test_an_image_that_says_nothing_is_named():
    with pytest.raises(DataError, match=r"image 1\.png has no tags"):
        build(Target(tags=("cat",)), Target())


def test_an_unknown_tag_names_the_image():
    with pytest.raises(UnknownName, match=r"no class named 'bog'; did you mean dog\?; image 0\.png of tags"):
        build(Target(tags=("bog",)))


def test_a_duplicate_id_is_refused():
    with pytest.raises(DataError, match="'a' and 'b' share the ram '1'"):
        build(Target(tags=()), names=(Text("a", ids={"ram": "1"}), Text("b", ids={"ram": "1"})))


def test_a_duplicate_name_without_ids_is_refused():
    with pytest.raises(DataError, match="tags: the name 'train' occurs 2 times; give each an id"):
        build(Target(tags=()), names=(*NAMES, Text("train")))


def test_described_tags_have_no_prompts_and_the_protocol_says_so():
    described = tuple(replace(text, descriptions=(f"{text.name}, seen",)) for text in NAMES)
    task = build(Target(tags=("cat",)), names=described)
    assert [text.prompts for text in task.problem.texts] == [()] * 3
    assert task.problem.texts[0].descriptions == ("cat, seen",)
    plain = build(Target(tags=("cat",)))
    assert "descriptions" in task.protocol.statement
    assert "descriptions" not in plain.protocol.statement
    assert task.protocol.digest != plain.protocol.digest


def test_tags_that_no_image_carries_are_no_task():
    with pytest.raises(DataError, match="no image carries any of the 3 tags"):
        build(Target(tags=()))


def test_rows_of_marks_are_read_as_such():
    marks = (Target(tags=(0, 1, 0)), Target(tags=(1, 0, 1)), Target(tags=(0, 0, 0)))
    task = build(*marks)
    assert task.problem.relevant.dense().tolist() == [
        [False, True, False],
        [True, False, True],
        [False, False, False],
    ]
    assert task.remarks == ("tags are rows of 3 marks of 0 and 1, one for each tag",)
    assert build(Target(tags=(0, 1)), Target(tags=(2,))).remarks == ()


@pytest.mark.parametrize("tags", [(0, 1, 0, 0), (2, 2), (0, 1, 1)])
def test_an_index_that_stands_twice_is_refused(tags):
    with pytest.raises(DataError, match=r"image 1\.png of tags: an index stands twice in its tags"):
        build(Target(tags=(0,)), Target(tags=tags))


def test_two_tags_whose_lists_may_be_marks_are_refused():
    with pytest.raises(DataError, match="may be rows of marks or indices"):
        build(Target(tags=(0, 1)), Target(tags=(1, 0)), names=NAMES[:2])
    assert build(Target(tags=(0, 1)), Target(tags=(1, 1)), names=NAMES[:2]).remarks


def test_a_name_that_stands_twice_says_nothing_new():
    assert build(Target(tags=("cat", "cat"))).problem.relevant.queries.tolist() == [0]


def known(problem):
    """What is asked of each tag, image by image; None where all is."""
    return None if problem.asked is None else [each.tolist() for each in problem.asked.by_query]


def test_what_nobody_knows_is_not_asked():
    task = build(Target(tags=("dog",), unknown=("cat", "7")), Target(tags=("cat",)))
    assert known(task.problem) == [[1], [0, 1], [1]]
    assert task.remarks[0] == (
        "2 of 6 pairs of image and tag are unknown: they are neither right nor wrong, and count nowhere"
    )
    assert task.remarks[1].startswith("1 of 3 tags are known to be false of no image, the first 'cat'")
    task = build(Target(label="dog", unknown=(0,)), Target(label="dog"))
    assert known(task.problem) == [[1], [0, 1], [0, 1]]


def test_where_negatives_are_listed_all_else_is_unknown():
    task = build(Target(tags=("dog",), negatives=("cat",)), Target(tags=(), negatives=()))
    assert known(task.problem) == [[0], [0], []]
    assert task.problem.asked.how == "only"
    assert task.remarks[0].startswith("4 of 6 pairs")


def test_where_all_is_known_all_is_asked():
    plain = build(Target(tags=("dog",)), Target(tags=()))
    listed_all = build(
        Target(tags=("dog",), negatives=("cat", "7")), Target(tags=(), negatives=("cat", "dog", "7"))
    )
    assert listed_all.problem.asked is plain.problem.asked is None
    assert listed_all.remarks == plain.remarks == ()


def test_one_question_is_said_in_one_way():
    one = build(Target(tags=("dog",), unknown=("cat",)), Target(tags=()))
    other = build(Target(tags=("dog",), negatives=("7",)), Target(tags=(), negatives=("cat", "dog", "7")))
    assert truth_digest(one.problem) == truth_digest(other.problem)
    third = build(Target(tags=("dog",), unknown=("7",)), Target(tags=()))
    plain = build(Target(tags=("dog",)), Target(tags=()))
    assert len({truth_digest(each.problem) for each in (one, third, plain)}) == 3


def test_marks_may_say_what_is_unknown():
    task = build(Target(tags=(0, 1, 0), unknown=(0, 0, 1)), Target(tags=(1, 1, 0), unknown=()))
    assert known(task.problem) == [[0, 1], [0, 1], [1]]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target(tags=("dog",), unknown=("dog",)), "'dog' is among its tags and its unknown tags"),
        (Target(tags=("7",), unknown=("train",)), "'train' is among its tags and its unknown tags"),
        (Target(tags=("dog",), negatives=(1,)), "'dog' is among its tags and its negative tags"),
        (
            Target(tags=(), unknown=("cat",), negatives=("cat",)),
            "'cat' is among its unknown tags and its negative tags",
        ),
    ],
)
def test_a_contradiction_is_named(target, message):
    with pytest.raises(DataError, match=rf"image 1\.png of tags: {message}.*; take it out of one"):
        build(Target(tags=("cat",), negatives=None if target.negatives is None else ()), target)


def test_negatives_of_some_images_alone_are_refused():
    with pytest.raises(DataError, match=r"image 1\.png of tags has no negative tags and others have"):
        build(Target(tags=("cat",), negatives=()), Target(tags=("dog",)))


def test_an_unknown_tag_that_is_not_on_the_list_is_named():
    with pytest.raises(UnknownName, match=r"no class named 'bog'; did you mean dog\?; image 0\.png of tags"):
        build(Target(tags=("cat",), unknown=("bog",)))
