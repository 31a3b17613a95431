import pytest

from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.task import Expectation, TaskRequest


def request(**fields):
    return TaskRequest(name="birds", protocol="own", source=Dataset("/data/birds", "1", ()), **fields)


def test_a_card_that_says_nothing_accepts_every_count():
    assert check_counts(request(), images=1, texts=2) == ""


def test_what_the_card_says_makes_a_whole_task():
    assert check_counts(request(expect=Expectation(images=10, texts=2)), images=10, texts=2) == ""


@pytest.mark.parametrize(
    ("images", "texts", "said"),
    [
        (9, 2, "/data/birds has 9 images where the card says 10; complete the data, or pass --allow-subset"),
        (10, 3, "has 3 texts where the card says 2"),
        (11, 1, "has 11 images where the card says 10, 1 texts where the card says 2"),
    ],
)
def test_another_count_is_refused_by_saying_both(images, texts, said):
    with pytest.raises(DataError, match="birds: .*" + said):
        check_counts(request(expect=Expectation(images=10, texts=2)), images=images, texts=texts)


def test_a_subset_that_is_allowed_is_partial_for_its_reason():
    allowed = request(expect=Expectation(images=10), allow_subset=True)
    assert check_counts(allowed, images=9, texts=2) == "9 images where the card says 10"


def test_a_limit_is_partial_for_its_own_reason():
    limited = request(expect=Expectation(images=10), partial="first 3 images")
    assert check_counts(limited, images=3, texts=2) == "first 3 images"


def test_no_image_is_refused_whatever_is_allowed():
    with pytest.raises(DataError, match="/data/birds has no image"):
        check_counts(request(allow_subset=True, partial="limit"), images=0, texts=2)
