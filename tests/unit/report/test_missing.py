import pytest

from vlbench.core.errors import DataError
from vlbench.report.missing import has_result
from vlbench.report.results import write_result

ASKED = {
    "task": "shapes",
    "model": "small",
    "protocol_digest": "d" * 32,
    "model_digest": "m" * 32,
    "digests": {"data": "e" * 32},
}


@pytest.fixture
def folder(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    return tmp_path


def test_a_whole_result_of_the_same_digests_is_there(folder):
    assert has_result(folder, **ASKED)


@pytest.mark.parametrize(
    "change",
    [
        {"task": "digits"},
        {"model": "large"},
        {"protocol_digest": "0" * 32},
        {"model_digest": "0" * 32},
        {"digests": {"data": "0" * 32}},
        {"digests": {"image_ids": "0" * 32}},
    ],
)
def test_another_name_or_digest_is_missing(folder, change):
    assert not has_result(folder, **ASKED | change)


def test_a_partial_result_is_none_and_a_damaged_one_an_error(make_result, tmp_path):
    write_result(make_result(partial="limit 5"), tmp_path)
    assert not has_result(tmp_path, **ASKED)
    write_result(make_result(), tmp_path).write_text("{")
    with pytest.raises(DataError):
        has_result(tmp_path, **ASKED)


def test_a_file_of_other_bytes_is_named(folder):
    (folder / "shapes" / "small.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"small\.json: not a vlbench result"):
        has_result(folder, **ASKED)
