import pytest

from vlbench.core.errors import CheckFailed, DataError, SourceMissing, UnknownName, VlbenchError


def test_an_unknown_name_offers_the_closest_three():
    error = UnknownName("model", "clip-b23", ["clip-b32", "clip-b16", "clip-l14", "clip-rn50", "digits"])
    assert error.close[0] == "clip-b32"
    assert len(error.close) == 3
    assert "digits" not in str(error)


@pytest.mark.parametrize(
    ("known", "advice", "text"),
    [
        ([], "", "no task named 'x'"),
        (["quite different"], "add a card", "no task named 'x'; add a card"),
        (["xy"], "", "no task named 'x'; did you mean xy?"),
        (["xyz", "tagging"], "", "no task named 'x'"),
    ],
)
def test_an_unknown_name_says_only_what_it_knows(known, advice, text):
    assert str(UnknownName("task", "x", known, advice=advice)) == text


def test_missing_data_say_where_and_what_to_do():
    error = SourceMissing("/data/coco", "pass --data-root")
    assert str(error) == "/data/coco: pass --data-root"
    assert isinstance(error, DataError)


def test_a_failed_check_is_no_data_error():
    assert issubclass(CheckFailed, VlbenchError)
    assert not issubclass(CheckFailed, DataError)
