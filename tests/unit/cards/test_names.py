from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.entry import Collection, Entry
from vlbench.cards.folders import CardKind
from vlbench.cards.names import Reference, find, select
from vlbench.core.errors import UnknownName

KNOWN = ("clip-b16", "clip-b32", "tiny-clip")


def known(names: Sequence[str], what: CardKind) -> Catalogue:
    return Catalogue.of({what: {name: Entry(name, Path(f"{name}.yaml"), "", "any") for name in names}}, {})


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
    assert select(known(KNOWN, "model"), patterns, "model") == chosen


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
        select(known(KNOWN, "model"), [pattern], "model")


def test_a_task_reference_begins_with_a_task_kind() -> None:
    assert select(Catalogue(), ["tagging:my/photos"], "task") == ("tagging:my/photos",)
    with pytest.raises(UnknownName, match="no task kind named 'clip'"):
        select(Catalogue(), ["clip:my/photos"], "task")


def test_a_half_is_asked_for_by_an_alias_too() -> None:
    cars = Entry("stanford_cars", Path("cars.yaml"), "", "any", aliases=("cars", "wds/cars"))
    tasks = Catalogue.of(
        {"task": {cars.name: cars}}, {"all": Collection("all", Path("all.yaml"), "", (cars.name,))}
    )
    assert select(tasks, ["cars@base", "wds/cars@base", "cars@new"], "task") == (
        "stanford_cars@base",
        "stanford_cars@new",
    )
    assert find(tasks, "cars@new", "task") == replace(cars, half="new")
    with pytest.raises(UnknownName, match="no task named 'all@base'"):  # a collection has no halves
        select(tasks, ["all@base"], "task")


def test_halves_of_a_tasks_classes_are_names_and_no_wildcard_matches_them() -> None:
    tasks = known(("dtd", "digits"), "task")
    assert select(tasks, ["dtd@new", "d*", "dtd@base"], "task") == ("dtd@new", "digits", "dtd", "dtd@base")
    assert find(tasks, "dtd@new", "task") == replace(tasks.tasks["dtd"], half="new")
    with pytest.raises(UnknownName, match=r"no task named 'dtf@base'; did you mean dtd@base"):
        select(tasks, ["dtf@base"], "task")
    with pytest.raises(UnknownName, match="no task named 'dtd@bse'; did you mean dtd@base"):
        select(tasks, ["dtd@bse"], "task")
    with pytest.raises(UnknownName, match=r"no task named 'digit'; did you mean digits, dtd\?;"):
        select(tasks, ["digit"], "task")
    with pytest.raises(UnknownName, match="no model named 'dtd@base'"):
        select(tasks, ["dtd@base"], "model")


def test_find_wants_one_name() -> None:
    models = known(["clip-b32"], "model")
    assert find(models, "clip-b32", "model") is models.models["clip-b32"]
    assert find(models, "hf-hub:a/b:c", "model") == Reference("hf-hub", "a/b:c")
    with pytest.raises(UnknownName, match="one name is wanted here; it matches clip-b32"):
        find(models, "clip-*", "model")


def test_aliases_and_collections_stand_for_names() -> None:
    entries = {
        "dtd": Entry("dtd", Path("dtd.yaml"), "", "any", aliases=("vtab/dtd",)),
        "digits": Entry("digits", Path("digits.yaml"), "", "any"),
    }
    both = Collection("both+", Path("both+.yaml"), "Both", ("digits", "dtd"))
    catalogue = Catalogue.of({"task": entries}, {"both+": both})
    assert select(catalogue, ["vtab/dtd", "both+"], "task") == ("dtd", "digits")
    assert find(catalogue, "vtab/dtd", "task") is entries["dtd"]
    with pytest.raises(UnknownName, match="one name is wanted here; it matches digits, dtd"):
        find(catalogue, "both+", "task")
    with pytest.raises(UnknownName, match=r"no task named 'vtab/dtb'; did you mean vtab/dtd"):
        select(catalogue, ["vtab/dtb"], "task")
