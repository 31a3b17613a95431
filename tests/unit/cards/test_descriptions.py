"""Descriptions: both file forms, what is refused, and how they and the user's names reach a task."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.descriptions import described, read_descriptions
from vlbench.cards.folders import built_in_folder
from vlbench.cards.own_texts import marked
from vlbench.cards.texts import read_classnames, read_names
from vlbench.core.contracts import Text
from vlbench.core.errors import CardError, DataError
from vlbench.core.task import TaskRequest


def asked(name: str, **request: object) -> TaskRequest:
    built = open_task(name, read_catalogue(), request=DataRequest(**request)).task  # type: ignore[arg-type]
    return cast("tuple[TaskRequest, float]", built)[0]


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    expected = {"cat": ("a cat.", "it purrs"), "red fox": ("a fox",)}
    path.write_text(json.dumps(expected))
    assert read_descriptions(path) == expected
    path.write_text("\ufeff" + json.dumps([{tag: sentences} for tag, sentences in expected.items()]))
    assert read_descriptions(path) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", r"not JSON \(.*\); it has to be \{"),
        ("[]", "describes nothing"),
        ('["cat"]', "'cat' is no object"),
        ('{"cat": []}', "'cat': has no sentence; write one, or remove the tag"),
        ('{"cat": "a cat"}', "'cat': 'a cat' is no list"),
        ('{"cat": {"a": 1}}', "'cat': .* is no list"),
        ('{"cat": ["a cat", " "]}', "'cat': ' ' is no sentence"),
        ('{"cat": ["a cat", 7]}', "'cat': 7 is no sentence"),
        ('{"cat": ["a"], "cat": ["b"]}', "'cat' stands twice"),
        ('[{"cat": ["a"]}, {"cat": ["b"]}]', "'cat' stands twice"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "d.json"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"d\.json: {told}") as caught:
        read_descriptions(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json: no such file; correct the name"):
        read_descriptions(tmp_path / "none.json")


def test_texts_take_their_sentences_and_drop_their_prompts() -> None:
    texts = (Text("cat", prompts=("a cat",), ids={"ram": "1"}), Text("ice cream"))
    assert described(texts, {"ice_cream": ("cold",), "cat": ("it purrs",), "dog": ("x",)}, "d.json") == (
        Text("cat", descriptions=("it purrs",), ids={"ram": "1"}),
        Text("ice cream", descriptions=("cold",)),
    )
    with pytest.raises(DataError) as caught:
        described([Text(name) for name in ("catt", "b", "cat", "c", "d")], {"cat": ("it purrs",)}, "d.json")
    assert str(caught.value) == (
        "d.json: 4 of 5 names have no description: 'catt' (did you mean 'cat'?), 'b', 'c' and 1 more; "
        "add sentences for them"
    )


@pytest.fixture
def counting(write_task: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A task of two names with data, and perhaps descriptions named on its card."""

    def write(**lines: str) -> Path:
        card = write_task(names="names.tsv", **lines)
        (card.parent / "names.tsv").write_text("name\tram\ncat\t1\ndog\t2\n")
        folder = tmp_path / "data" / "counting"
        folder.mkdir(parents=True)
        (folder / "count").write_text("3")
        return card

    return write


@pytest.mark.usefixtures("plug_ins")
def test_a_cards_descriptions_lie_under_a_root_and_the_users_come_first(
    counting: Callable[..., Path], tmp_path: Path
) -> None:
    counting(descriptions="llm/d.json")
    with pytest.raises(DataError, match=r"counting: no descriptions at .*llm/d\.json.*--descriptions FILE"):
        asked("counting", roots=(tmp_path,))
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "d.json").write_text('{"cat": ["purrs"], "dog": ["barks"]}')
    names = asked("counting", roots=(tmp_path,)).names
    assert names == (
        Text("cat", descriptions=("purrs",), ids={"ram": "1"}),
        Text("dog", descriptions=("barks",), ids={"ram": "2"}),
    )
    own = tmp_path / "own.json"
    own.write_text('{"cat": ["sleeps"], "dog": ["runs"]}')
    names = asked("counting", roots=(tmp_path,), descriptions=own).names
    assert [text.descriptions for text in names or ()] == [("sleeps",), ("runs",)]


@pytest.mark.usefixtures("plug_ins")
def test_names_of_the_user_replace_a_cards_and_are_described(
    counting: Callable[..., Path], tmp_path: Path
) -> None:
    counting()
    names, own = tmp_path / "my.txt", tmp_path / "own.json"
    names.write_text("owl\nmouse\n")
    assert asked("counting", roots=(tmp_path,), classnames=names).names == (Text("owl"), Text("mouse"))
    own.write_text('{"owl": ["hoots"], "mouse": ["squeaks"]}')
    found = asked("counting", roots=(tmp_path,), classnames=names, descriptions=own).names
    assert [text.descriptions for text in found or ()] == [("hoots",), ("squeaks",)]


@pytest.mark.usefixtures("plug_ins", "cards")
def test_own_data_take_names_and_descriptions(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    own, names = tmp_path / "own.json", tmp_path / "my.tsv"
    own.write_text('{"cat": ["purrs"], "dog": ["barks"]}')
    found = asked(f"question:{tmp_path}/photos", descriptions=own).names
    assert found == (
        Text("cat", descriptions=("purrs",), ids={"folder": "cat"}),
        Text("dog", descriptions=("barks",), ids={"folder": "dog"}),
    )
    names.write_text("name\twnid\ntench\tn01\n")
    assert asked(f"question:{tmp_path}/photos", classnames=names).names == (
        Text("tench", ids={"wnid": "n01"}),
    )


@pytest.mark.usefixtures("plug_ins")
def test_a_task_without_names_has_nothing_to_describe(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    write_task(sources="[{kind: remote, repo: a/b}]")
    own = tmp_path / "own.json"
    own.write_text('{"cat": ["purrs"]}')
    with pytest.raises(DataError, match="counting: has no tags or classes to describe"):
        asked("counting", descriptions=own)


def test_a_blank_name_of_the_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("cat\n\ndog\n")
    with pytest.raises(CardError, match=r"names\.txt: line 2: blank"):
        read_classnames(path)


def test_a_users_own_files_give_the_task_a_name_of_its_own(tmp_path: Path) -> None:
    names, sentences = tmp_path / "names.txt", tmp_path / "sentences.json"
    names.write_text("circle\nsquare\n")
    sentences.write_text('{"circle": ["round"], "square": ["four sides"]}')
    request = TaskRequest("shapes", "p", source=None)  # type: ignore[arg-type]
    own = DataRequest(classnames=names, descriptions=sentences)
    name = marked(request, own).name
    assert re.fullmatch(r"shapes\+classnames@[0-9a-f]{6}\+descriptions@[0-9a-f]{6}", name)
    assert marked(request, DataRequest()).name == "shapes"
    names.write_text("circle\nring\n")
    assert marked(request, own).name != name


def test_descriptions_of_no_name_that_is_asked_are_told(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "photos" / name / "a.png")
    own = tmp_path / "own.json"
    own.write_text('{"cat": ["purrs"], "dog": ["barks"], "owl": ["hoots"], "big_owl": ["hoots"]}')
    for name in (f"classification:{tmp_path}/photos", "shapes"):
        if name == "shapes":
            words = read_names(built_in_folder() / "tasks" / "names" / "shapes.tsv")
            own.write_text(
                json.dumps({each: ["a"] for each in (*(text.name for text in words), "owl", "big_owl")})
            )
        asked = open_task(name, read_catalogue(), request=DataRequest(descriptions=own)).task
        assert asked.remarks == (f"2 descriptions of {own} are of no name that is asked: 'owl'",)
    own.write_text('{"cat": ["purrs"], "dog": ["barks"]}')
    request = DataRequest(descriptions=own)
    assert (
        open_task(f"classification:{tmp_path}/photos", read_catalogue(), request=request).task.remarks == ()
    )
