import json

import pytest

from vlbench.core.errors import DataError
from vlbench.report.results import read_results, write_result


def test_a_result_lies_under_its_task_and_model_and_comes_back(make_result, tmp_path):
    result = make_result(model="open_clip:ViT-B-32/openai", task="classification:/my/images")
    path = write_result(result, tmp_path)
    assert path == tmp_path / "classification%3A%2Fmy%2Fimages" / "open_clip%3AViT-B-32%2Fopenai.json"
    assert read_results(tmp_path) == (result,)


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
    with pytest.raises(DataError, match=r"copy\.json: holds small on shapes, which belongs in .*small\.json"):
        read_results(tmp_path)


def test_files_being_written_are_no_results(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    (tmp_path / "shapes" / ".small.json.abc").write_text("{")
    (tmp_path / "shapes" / ".hidden.json").write_text("{")
    assert len(read_results(tmp_path)) == 1
