import json
import os
from dataclasses import replace

import pytest

from vlbench.core.errors import DataError
from vlbench.report.comparable import Question
from vlbench.report.known_results import known_results
from vlbench.report.results import (
    kept_result,
    read_results,
    refuse_other_data,
    refuse_other_folder,
    write_result,
)

ANSWERED = {"model": "m" * 32, "image_ids": "i" * 32, "texts": "t" * 32, "truth": "r" * 32}
DIGESTS = {
    "image_ids": "i" * 32,
    "texts": "t" * 32,
    "truth": "r" * 32,
    "image_sample": "s" * 32,
    "validation_image_ids": "v" * 32,
    "train_image_ids": "a" * 32,
}
STATEMENT = {"templates": ["a {}."], "texts": 4}


def test_a_result_lies_under_its_task_and_model_and_comes_back(make_result, tmp_path):
    result = make_result(model="open_clip:ViT-B-32/openai", task="classification:/my/images")
    path = write_result(result, tmp_path)
    assert path == tmp_path / "classification%3A%2Fmy%2Fimages" / "open_clip%3AViT-B-32%2Fopenai.json"
    assert read_results(tmp_path) == (result,)


@pytest.mark.parametrize("name", ["..", ".", "...", ".hidden", "日" * 90, "x" * 300, "nl\nls\u2028", "con"])
def test_a_result_of_any_name_lies_in_its_folder_and_comes_back(name, make_result, tmp_path):
    results = [make_result(task=name), make_result(model=name), make_result(task=name, model=name)]
    for result in results:
        path = write_result(result, tmp_path / "results")
        assert path.resolve().parent.parent == (tmp_path / "results").resolve()
    found = read_results(tmp_path / "results")
    assert len(found) == len(results)
    assert all(result in found for result in results)
    assert [each.name for each in tmp_path.iterdir()] == ["results"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes among files")
def test_what_is_no_file_is_no_result(tmp_path):
    (tmp_path / "shapes").mkdir()
    os.mkfifo(tmp_path / "shapes" / "a.json")
    with pytest.raises(DataError, match=r"a.json: cannot be read .it is a pipe and no file"):
        read_results(tmp_path)


def test_a_partial_result_leaves_the_whole_one_alone(make_result, tmp_path):
    whole, part = make_result(), make_result(partial="first 50 images", acc1=0.9)
    write_result(whole, tmp_path)
    assert write_result(part, tmp_path).name == "small.partial.json"
    assert read_results(tmp_path) == (whole, part)


def test_results_come_sorted_by_task_and_model(make_result, tmp_path):
    for task, model in [("b", "x"), ("a", "y"), ("a", "X")]:
        write_result(make_result(task=task, model=model), tmp_path)
    assert [(r.task, r.model) for r in read_results(tmp_path)] == [("a", "X"), ("a", "y"), ("b", "x")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"schema": 1, "metr', "not a vlbench result"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"schema": 99}', "schema 99"),
        (b'{"some": "file"}', "not a vlbench result"),
        (b'["list"]', "not a vlbench result"),
    ],
)
def test_a_damaged_or_foreign_file_is_named(make_result, tmp_path, content, reason):
    write_result(make_result(), tmp_path)
    (tmp_path / "shapes" / "other.json").write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_results(tmp_path)
    assert str(tmp_path / "shapes" / "other.json") in str(caught.value)


def test_an_unknown_field_is_foreign(make_result, tmp_path):
    path = write_result(make_result(), tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"colour": "red"}))
    with pytest.raises(DataError, match="colour"):
        read_results(tmp_path)


def test_a_copied_result_is_refused_with_the_place_it_belongs_in(make_result, tmp_path):
    path = write_result(make_result(), tmp_path)
    path.with_name("copy.json").write_bytes(path.read_bytes())
    with pytest.raises(
        DataError, match=r"copy\.json: contains small on shapes, which belongs in .*small\.json"
    ):
        read_results(tmp_path)


def test_files_being_written_are_no_results(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    (tmp_path / "shapes" / ".small.json.abc").write_text("{")
    (tmp_path / "shapes" / ".hidden.json").write_text("{")
    assert len(read_results(tmp_path)) == 1


@pytest.fixture
def result(make_result):
    return make_result(digests=ANSWERED)


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
    assert kept_result(folder, **asked)


def test_a_result_that_does_not_tell_the_right_answers_is_there(result, tmp_path, asked):
    told = {name: digest for name, digest in ANSWERED.items() if name != "truth"}
    write_result(replace(result, digests=told), tmp_path)
    assert kept_result(tmp_path, **asked)


@pytest.mark.parametrize("change", [{"model": "large"}, {"model_digest": "0" * 32}])
def test_another_model_is_missing(folder, asked, change):
    assert not kept_result(folder, **asked | change)


@pytest.mark.parametrize("field", ["task", "protocol", "images", "texts", "truth", "validation", "training"])
def test_an_answer_to_another_question_is_missing(folder, asked, field):
    assert not kept_result(folder, **asked | {"question": replace(asked["question"], **{field: "0" * 32})})


def test_a_row_by_another_state_of_its_method_is_missing(result, tmp_path, asked):
    write_result(replace(result, method="probe", digests={**ANSWERED, "method": "e" * 32}), tmp_path)
    assert kept_result(tmp_path, **asked, method_digest="e" * 32)
    assert not kept_result(tmp_path, **asked, method_digest="f" * 32)
    assert not kept_result(tmp_path, **asked)


def test_a_result_on_another_state_of_the_same_files_is_missing(folder, asked):
    def there(**changes):
        return kept_result(folder, **asked | {"question": replace(asked["question"], **changes)})

    assert not there(revision="2")
    assert there(revision="sha256:2")
    assert there(source="another copy", revision="2")


def test_a_partial_result_is_none_and_a_damaged_one_an_error(result, tmp_path, asked):
    write_result(replace(result, partial="limit 5"), tmp_path)
    assert not kept_result(tmp_path, **asked)
    write_result(result, tmp_path).write_text("{")
    with pytest.raises(DataError):
        kept_result(tmp_path, **asked)


def test_a_file_of_other_bytes_is_named(folder, asked):
    (folder / "shapes" / "small.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"small\.json: not a vlbench result"):
        kept_result(folder, **asked)


@pytest.fixture
def there(make_result):
    return make_result(digests=DIGESTS, protocol_statement=STATEMENT, source="jsonl:mine")


@pytest.fixture
def replaced(there, tmp_path):
    """Whether a run may replace a result by one that differs from it as said."""

    def run(was=there, **changes):
        write_result(was, tmp_path)
        new = replace(was, **changes)
        refuse_other_data(
            tmp_path,
            model=new.model,
            question=Question.of(new),
            statement=new.protocol_statement,
        )

    return run


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"image_ids": "x"}, "image ids"),
        ({"texts": "x"}, "texts"),
        ({"truth": "x"}, "right answers"),
        ({"image_sample": "x"}, "image contents"),
        ({"image_ids": "x", "truth": "x"}, "image ids and right answers"),
        ({"validation_image_ids": "x"}, "validation images"),
        ({"train_image_ids": "x"}, "training images"),
    ],
)
def test_a_result_on_other_data_of_one_card_is_not_replaced(replaced, changed, what):
    with pytest.raises(DataError, match=rf"small\.json was measured on other data: its {what} differ from"):
        replaced(digests={**DIGESTS, **changed})


def test_a_result_on_other_files_of_equal_ids_and_labels_is_not_replaced(replaced):
    with pytest.raises(DataError, match="its files differ from those of jsonl:mine; delete it to replace it"):
        replaced(source_revision="2")


def test_other_data_that_no_card_counts_are_not_taken_for_another_protocol(there, replaced):
    old, new = ({**STATEMENT, "data": digest} for digest in "ab")
    with pytest.raises(DataError, match="right answers"):
        replaced(
            replace(there, protocol_statement=old),
            protocol_statement=new,
            protocol_digest="e" * 32,
            digests={**DIGESTS, "truth": "x"},
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"protocol_digest": "e" * 32, "digests": {**DIGESTS, "texts": "x", "truth": "x"}},
        {
            "protocol_digest": "e" * 32,
            "protocol_statement": {**STATEMENT, "settings": {"split": "val"}},
            "digests": {**DIGESTS, "image_ids": "x"},
        },
    ],
    ids=["a rerun", "other class names", "another split"],
)
def test_a_rerun_and_a_run_of_an_edited_card_replace_a_result(replaced, changes):
    replaced(**changes)


def test_two_folders_with_equal_names_that_both_lie_here_are_refused_whatever_the_model(there, tmp_path):
    for name in ("a/test", "b/test"):
        (tmp_path / name).mkdir(parents=True)
    write_result(replace(there, model="other", source=f"folder:{tmp_path}/a/test"), tmp_path)

    def asked(source):
        return Question.of(replace(there, source=source))

    with pytest.raises(
        DataError, match=r"other\.json was measured on folder:.*a/test, not on folder:.*b/test"
    ):
        refuse_other_folder(tmp_path, asked(f"folder:{tmp_path}/b/test"))
    other = replace(there, source=f"folder:{tmp_path}/b/test", digests={**DIGESTS, "image_sample": "x"})
    with pytest.raises(DataError, match="which has the same name"):
        refuse_other_folder(tmp_path, Question.of(other))
    refuse_other_folder(tmp_path, asked(f"folder:{tmp_path}/b/../a/test"))
    # a folder that was moved, or one of another machine
    (tmp_path / "a/test").rmdir()
    refuse_other_folder(tmp_path, asked(f"folder:{tmp_path}/b/test"))
    refuse_other_folder(tmp_path, asked("shapes"))


def test_a_damaged_result_is_replaced(there, replaced, tmp_path):
    write_result(there, tmp_path).write_text("{")
    refuse_other_data(tmp_path, model="small", question=Question.of(there), statement={})


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="none: no such results folder"):
        read_results(tmp_path / "none")


def test_a_folder_whose_name_is_no_text_is_refused(result, tmp_path):
    path = write_result(result, tmp_path)
    path.parent.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(DataError, match=r"the name b'caf\\xe9' is not UTF-8; rename it"):
        known_results(tmp_path, tmp_path / "cache")
