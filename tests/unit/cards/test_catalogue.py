from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.cards.catalogue import INDEX, Entry, Reference, find, index_text, read_catalogue, select
from vlbench.core.errors import CardError, UnknownName

KNOWN = ("clip-b16", "clip-b32", "tiny-clip")


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        (["tiny-clip", "clip-b32"], ("tiny-clip", "clip-b32")),
        (["clip-*", "*b16"], ("clip-b16", "clip-b32")),
        (["clip-b[13]?"], ("clip-b16", "clip-b32")),
        (["open_clip:ViT-B-32/*", "tiny-*"], ("open_clip:ViT-B-32/*", "tiny-clip")),
        ([], ()),
    ],
)
def test_patterns_choose_in_their_order_each_name_once(patterns: list[str], chosen: tuple[str, ...]) -> None:
    assert select(KNOWN, patterns, "model") == chosen


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("clip-b23", "no model named 'clip-b23'; did you mean .*clip-b32.*add a card to model_cards/"),
        ("blip-*", "no model named 'blip-\\*'"),
        ("openclip:ViT-B-32", "no adapter named 'openclip'; did you mean open_clip"),
        ("open_clip:", "nothing follows the colon"),
    ],
)
def test_what_nobody_has_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(UnknownName, match=told):
        select(KNOWN, [pattern], "model")


def test_a_task_reference_begins_with_a_task_kind() -> None:
    assert select((), ["tagging:my/photos"], "task") == ("tagging:my/photos",)
    with pytest.raises(UnknownName, match="no task kind named 'clip'"):
        select((), ["clip:my/photos"], "task")


def test_halves_of_a_tasks_classes_are_names_and_no_wildcard_matches_them() -> None:
    known = ("dtd", "digits")
    assert select(known, ["dtd@new", "d*", "dtd@base"], "task") == ("dtd@new", "digits", "dtd", "dtd@base")
    entry = Entry("dtd", Path("dtd.yaml"), "", "classification")
    assert find({"dtd": entry}, "dtd@new", "task") == replace(entry, half="new")
    with pytest.raises(UnknownName, match=r"no task named 'dtf@base'; did you mean dtd@base"):
        select(known, ["dtf@base"], "task")
    with pytest.raises(UnknownName, match="no task named 'dtd@bse'; did you mean dtd@base"):
        select(known, ["dtd@bse"], "task")
    with pytest.raises(UnknownName, match=r"no task named 'digit'; did you mean digits, dtd\?;"):
        select(known, ["digit"], "task")
    with pytest.raises(UnknownName, match="no model named 'dtd@base'"):
        select(known, ["dtd@base"], "model")


def test_find_wants_one_name() -> None:
    entry = Entry("clip-b32", Path("clip-b32.yaml"), "", "clip")
    assert find({"clip-b32": entry}, "clip-b32", "model") is entry
    assert find({}, "hf-hub:a/b:c", "model") == Reference("hf-hub", "a/b:c")
    with pytest.raises(UnknownName, match="one name is wanted here; it matches clip-b32"):
        find({"clip-b32": entry}, "clip-*", "model")


def test_the_index_answers_until_a_card_changes(cards: Path, write_task: Callable[..., Path]) -> None:
    path = write_task(expect="{images: 12}")
    (cards / "tasks" / INDEX).write_text(index_text(cards / "tasks", "task"))
    expected = read_catalogue().tasks
    assert expected["counting"].summary == {
        "protocol": "plain",
        "primary": "acc1",
        "images": 12,
        "texts": None,
    }

    size = path.stat().st_size
    path.write_text("[" * size)  # no card at all, of the same size: only the index can answer
    assert read_catalogue().tasks == expected

    write_task(title="Counting anew")
    write_task("adding")
    found = read_catalogue().tasks
    assert {name: entry.title for name, entry in found.items()} == {
        "adding": "Counting",
        "counting": "Counting anew",
    }
    path.unlink()
    assert list(read_catalogue().tasks) == ["adding"]


def test_a_users_card_may_not_shadow_one(write_task: Callable[..., Path], tmp_path: Path) -> None:
    first = write_task()
    second = write_task(folder=tmp_path / "mine" / "tasks")
    with pytest.raises(CardError, match="rename one") as caught:
        read_catalogue([tmp_path / "mine"])
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


def test_a_folder_included_twice_is_one(write_task: Callable[..., Path], cards: Path, tmp_path: Path) -> None:
    write_task("mine", folder=tmp_path / "mine" / "tasks")
    found = read_catalogue([cards, tmp_path / "mine", tmp_path / "mine" / "tasks" / ".."])
    assert list(found.tasks) == ["mine"]


def test_a_plain_folder_holds_cards_of_both_kinds(tmp_path: Path, write_task: Callable[..., Path]) -> None:
    write_task("mine", folder=tmp_path / "flat")
    (tmp_path / "flat" / "net.yaml").write_text("title: N\nadapter: toy\nparameters: 1.5\n")
    found = read_catalogue([tmp_path / "flat"])
    assert (list(found.tasks), list(found.models)) == (["mine"], ["net"])
    assert found.models["net"].summary["parameters"] == 1.5

    (tmp_path / "flat" / "other.yaml").write_text("title: neither\n")
    with pytest.raises(CardError, match=r"other.yaml: neither `kind`"):
        read_catalogue([tmp_path / "flat"])


def test_a_name_that_a_pattern_could_not_ask_for_is_refused(write_task: Callable[..., Path]) -> None:
    write_task("a,b")
    with pytest.raises(CardError, match=r"a,b.yaml: .*rename the file"):
        read_catalogue()
