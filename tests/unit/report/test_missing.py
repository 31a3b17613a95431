from dataclasses import replace

import pytest

from vlbench.core.errors import DataError
from vlbench.report.comparable import Question
from vlbench.report.missing import has_result
from vlbench.report.results import write_result

DIGESTS = {"model": "m" * 32, "image_ids": "i" * 32, "texts": "t" * 32, "truth": "r" * 32}


@pytest.fixture
def result(make_result):
    return make_result(digests=DIGESTS)


@pytest.fixture
def asked(result):
    return {
        "model": "small",
        "model_digest": "m" * 32,
        "question": Question.of(result),
    }


@pytest.fixture
def folder(result, tmp_path):
    write_result(result, tmp_path)
    return tmp_path


def test_a_whole_result_of_the_same_digests_is_there(folder, asked):
    assert has_result(folder, **asked)


def test_a_result_that_does_not_tell_the_right_answers_is_there(result, tmp_path, asked):
    told = {name: digest for name, digest in DIGESTS.items() if name != "truth"}
    write_result(replace(result, digests=told), tmp_path)
    assert has_result(tmp_path, **asked)


@pytest.mark.parametrize("change", [{"model": "large"}, {"model_digest": "0" * 32}])
def test_another_model_is_missing(folder, asked, change):
    assert not has_result(folder, **asked | change)


@pytest.mark.parametrize("field", ["task", "protocol", "images", "texts", "truth", "validation", "training"])
def test_an_answer_to_another_question_is_missing(folder, asked, field):
    assert not has_result(folder, **asked | {"question": replace(asked["question"], **{field: "0" * 32})})


def test_a_row_by_another_state_of_its_method_is_missing(result, tmp_path, asked):
    write_result(replace(result, method="probe", digests={**DIGESTS, "method": "e" * 32}), tmp_path)
    assert has_result(tmp_path, **asked, method_digest="e" * 32)
    assert not has_result(tmp_path, **asked, method_digest="f" * 32)
    assert not has_result(tmp_path, **asked)


def test_a_result_on_another_state_of_the_same_files_is_missing(folder, asked):
    def there(**changes):
        return has_result(folder, **asked | {"question": replace(asked["question"], **changes)})

    assert not there(revision="2")
    assert there(revision="sha256:2")
    assert there(source="another copy", revision="2")


def test_a_partial_result_is_none_and_a_damaged_one_an_error(result, tmp_path, asked):
    write_result(replace(result, partial="limit 5"), tmp_path)
    assert not has_result(tmp_path, **asked)
    write_result(result, tmp_path).write_text("{")
    with pytest.raises(DataError):
        has_result(tmp_path, **asked)


def test_a_file_of_other_bytes_is_named(folder, asked):
    (folder / "shapes" / "small.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"small\.json: not a vlbench result"):
        has_result(folder, **asked)
