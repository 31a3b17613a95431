from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.cards.texts import (
    find_descriptions,
    find_text_file,
    read_classnames,
    read_names,
    read_templates,
    read_vocabularies,
    with_ids,
    with_labels,
)
from vlbench.core.contracts import Place, Text
from vlbench.core.errors import CardError, DataError


def test_names_keep_blanks_and_leave_empty_ids_out(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("name\twnid\tram\ncrane \tn01\t7\ncrane\tn02\t\n", encoding="utf-8")
    assert read_names(path) == (
        Text("crane ", ids={"wnid": "n01", "ram": "7"}),
        Text("crane", ids={"wnid": "n02"}),
    )


@pytest.mark.parametrize(("file", "rest"), [("names.txt", ""), ("names.tsv", "name\n")])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, file: str, rest: str) -> None:
    path = tmp_path / file
    path.write_text(f"{rest}cat\ndog\n", encoding="utf-8-sig")
    assert [text.name for text in read_classnames(path)] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tench\ngoldfish\n", "line 1: the header"),
        ("name\twnid\ntench\n", "line 2: 1 columns where the header has 2"),
        ("name\n", "header alone"),
        ("", "is empty"),
    ],
)
def test_a_wrong_names_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(text)
    with pytest.raises(CardError, match=told):
        read_names(path)


def test_a_template_has_one_place_for_the_name(tmp_path: Path) -> None:
    path = tmp_path / "templates.txt"
    path.write_text("a photo of a {}.\n{}\n")
    assert read_templates(path) == ("a photo of a {}.", "{}")
    path.write_text("a photo of a {}.\na photo\n")
    with pytest.raises(CardError, match=r"line 2: 'a photo' needs one \{\}"):
        read_templates(path)


def test_vocabularies_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / "vocabularies").mkdir(parents=True)
        (tmp_path / folder / "vocabularies" / "wnid.tsv").write_text("id\tname\nn01\tcrane\n")
    assert read_vocabularies([tmp_path / "a", tmp_path / "c"]) == {"wnid": {"n01": "crane"}}
    with pytest.raises(CardError, match="'wnid' is there already"):
        read_vocabularies([tmp_path / "a", tmp_path / "b"])


def test_json_of_clip_benchmark_is_names_or_templates(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text('{"imagenet1k": ["una {c}.", "{c} "]}', encoding="utf-8")
    assert read_templates(path) == ("una {}.", "{} ")
    path.write_text('{"imagenet1k": ["tinca ", "tinca "]}', encoding="utf-8")
    assert [text.name for text in read_names(path)] == ["tinca ", "tinca "]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ('["a"]', "one data set and its list"),
        ('{"a": ["x"], "b": ["y"]}', "one data set and its list"),
        ('{"a": [1]}', "something else than strings"),
    ],
)
def test_wrong_json_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "names.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=told):
        read_names(path)


def test_a_text_file_lies_beside_the_card_or_under_a_root(tmp_path: Path) -> None:
    card, root = tmp_path / "cards", tmp_path / "root"
    for folder in (card, root):
        folder.mkdir()
    place = Place(roots=(root,), card_folder=card)
    with pytest.raises(DataError, match=r"task: no file .*cards/it.tsv, .*root/it.tsv; put it there"):
        find_text_file("it.tsv", place, "task")
    (root / "it.tsv").touch()
    assert find_text_file("it.tsv", place, "task") == root / "it.tsv"
    (card / "it.tsv").touch()
    assert find_text_file("it.tsv", place, "task") == card / "it.tsv"


@pytest.mark.parametrize("find", [find_text_file, find_descriptions])
def test_a_text_file_leads_out_of_no_place(tmp_path: Path, find: Callable[[str, Place, str], Path]) -> None:
    (tmp_path / "secret.tsv").touch()
    place = Place(roots=(tmp_path / "root",), card_folder=tmp_path / "cards")
    for file in ("../secret.tsv", str(tmp_path / "secret.tsv")):
        with pytest.raises(CardError, match=r"task: .* leads out of the folder"):
            find(file, place, "task")


def test_names_take_the_ids_of_a_files_lines(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("name\twnid\ntench\tn01\ngoldfish\tn02\n")
    assert with_ids([Text("tinca"), Text("tinca")], path, "task") == (
        Text("tinca", ids={"wnid": "n01"}),
        Text("tinca", ids={"wnid": "n02"}),
    )
    with pytest.raises(DataError, match="task: 1 names for the 2 lines"):
        with_ids([Text("tinca")], path, "task")


def test_a_users_list_stands_for_classes_line_by_line_only_in_their_order() -> None:
    classes = [Text("red cat", ids={"folder": "red_cat"}), Text("dog"), Text("cow")]
    own = with_labels([Text("a red cat"), Text("dog"), Text("a cow")], classes, "own.txt")
    assert [text.ids["number"] for text in own] == ["0", "1", "2"]
    turned = with_labels([Text("cow"), Text("red_cat"), Text("dog")], classes, "own.txt")
    assert [text.ids["number"] for text in turned] == ["2", "0", "1"]
    with pytest.raises(DataError, match=r"own\.txt: line 1 names class 2, 'dog', but other lines"):
        with_labels([Text("dog"), Text("a red cat"), Text("cow")], classes, "own.txt")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a {}.\n'a photo of a {}.',\n", "line 2: .* is a string of code"),
        ("a {{}}.\n", "line 1: .* needs one {}"),
    ],
)
def test_templates_pasted_from_python_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "templates.txt"
    path.write_text(text)
    with pytest.raises(CardError, match=told):
        read_templates(path)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("n.txt", "'cat',\n'dog',\n", "line 1: .* is a string of code"),
        ("n.txt", "0: cat\n1: dog\n", "line 1: .* begins with its number"),
        ("n.txt", "cat\tn01\ndog\tn02\n", "has columns; save it as .tsv"),
        ("n.tsv", 'name\twnid\n"cat"\tn01\n', "line 2: .* is a string of code"),
    ],
)
def test_names_pasted_from_a_table_are_refused(tmp_path: Path, file: str, text: str, told: str) -> None:
    path = tmp_path / file
    path.write_text(text)
    with pytest.raises(CardError, match=told):
        read_classnames(path)
