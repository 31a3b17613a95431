import pytest
from listed import listed

from vlbench.core.contracts import Target
from vlbench.core.errors import DataError
from vlbench.core.task import Expectation, TaskRequest
from vlbench.task_kinds.retrieval import retrieval


def build(*captions, **fields):
    source = listed(tuple(Target(captions=own) for own in captions))
    return retrieval(TaskRequest(name="pairs", protocol="test", source=source, **fields))


def test_any_number_of_captions_belong_to_an_image():
    relevant = build(("a", "b", "c"), ("d",)).problem.relevant
    assert relevant.candidates.tolist() == [0, 0, 0, 1]
    assert relevant.queries.tolist() == [0, 1, 2, 3]


def test_a_sentence_of_two_images_is_right_for_both_and_counts_twice():
    task = build(("a", "same"), ("same",))
    assert [text.name for text in task.problem.texts] == ["a", "same", "same"]
    assert task.problem.relevant.dense().tolist() == [[True, True, True], [False, True, True]]


def test_an_image_without_a_caption_is_named():
    with pytest.raises(DataError, match=r"image 1\.png has no caption"):
        build(("a",), ())


def test_captions_are_counted():
    with pytest.raises(DataError, match="3 texts where the card says 5"):
        build(("a", "b"), ("c",), expect=Expectation(texts=5))


def test_captions_are_no_part_of_a_counted_protocol():
    expect = Expectation(images=1)
    assert build(("a",), expect=expect).protocol.digest == build(("b",), expect=expect).protocol.digest
    assert build(("a",), expect=expect).protocol.digest != build(("a",)).protocol.digest
