from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.cards.catalogue import Catalogue, Reference, find, read_catalogue, select
from vlbench.cards.folders import CardKind, Collection, Entry
from vlbench.core.errors import CardError, UnknownName

KNOWN = ("clip-b16", "clip-b32", "tiny-clip")


def known(names: Sequence[str], what: CardKind) -> Catalogue:
    entries = {name: Entry(name, Path(f"{name}.yaml"), "", "any") for name in names}
    return Catalogue(models=entries) if what == "model" else Catalogue(tasks=entries)


def test_a_cards_entry_is_what_its_file_states(write_task: Callable[..., Path]) -> None:
    sources = (
        "[{kind: listed, path: [a, b]}, {kind: remote, repo: o/n}, {kind: listed, path: a}, {kind: demo}]"
    )
    write_task(expect="{images: 12}", sources=sources)
    (entry,) = read_catalogue().tasks.values()
    assert entry.summary == {"protocol": "plain", "primary": "acc1", "images": 12, "texts": None}
    assert entry.places == ("data:a", "data:b", "datasets:o/n", "program:demo")


def test_a_card_of_the_users_is_held_against_its_schema_and_a_shipped_one_where_it_is_used(
    write_task: Callable[..., Path], tmp_path: Path
) -> None:
    write_task(expect="{images: many}")
    assert list(read_catalogue().tasks) == ["counting"]
    write_task("mine", folder=tmp_path / "mine", expect="{images: many}")
    with pytest.raises(CardError, match=r"mine.yaml: expect.images: input should be a valid integer"):
        read_catalogue([tmp_path / "mine"])


def test_a_shipped_card_without_what_is_listed_is_refused(write_task: Callable[..., Path]) -> None:
    write_task(title=None)
    with pytest.raises(CardError, match=r"counting.yaml: title: field required"):
        find(read_catalogue(), "counting", "task")


def test_cards_of_one_kind_can_be_read_alone(write_task: Callable[..., Path], cards: Path) -> None:
    write_task()
    (cards / "model_cards" / "net.yaml").write_text("[")
    assert list(read_catalogue(kinds=["task"]).tasks) == ["counting"]


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
    with pytest.raises(CardError, match=r"a,b.yaml: .*rename it"):
        read_catalogue()


@pytest.mark.parametrize("name", ["..", ".hidden", "a\u2028b", "a\nb", "nul"])
def test_a_card_whose_name_is_no_name_of_a_file_everywhere_is_refused(
    name: str, write_task: Callable[..., Path]
) -> None:
    write_task(name)
    with pytest.raises(CardError, match="the card's name: "):
        read_catalogue()


def test_collections_and_aliases_are_read(cards: Path, write_task: Callable[..., Path]) -> None:
    write_task("adding", aliases="[vtab/add, plus]")
    write_task("counting")
    folder = cards / "tasks" / "collections"
    folder.mkdir()
    both = folder / "sums+.yaml"
    both.write_text("title: Sums\ntasks: [counting, adding]\n")
    found = read_catalogue()
    assert found.collections == {"sums+": Collection("sums+", both, "Sums", ("counting", "adding"))}
    assert found.stands_for("task") == {
        "vtab/add": ("adding",),
        "plus": ("adding",),
        "sums+": ("counting", "adding"),
    }


@pytest.mark.parametrize(
    ("stated", "weights"),
    [
        ("", {}),
        ("weights: {a: 1, b: 2, c: 1}\n", {"a": 0.25, "b": 0.5, "c": 0.25}),
        ("groups: {one: [a, b], two: [c]}\n", {"a": 0.5, "b": 0.5, "c": 1.0}),
        ("weights: {a: 1, b: 3, c: 5}\ngroups: {one: [a, b], two: [c]}\n", {"a": 0.25, "b": 0.75, "c": 1.0}),
    ],
)
def test_a_collection_weighs_tasks_alone_or_in_groups(
    cards: Path, write_task: Callable[..., Path], stated: str, weights: dict[str, float]
) -> None:
    for name in "abcd":
        write_task(name)
    folder = cards / "tasks" / "collections"
    folder.mkdir()
    path = folder / "all.yaml"
    path.write_text(f"title: All\ntasks: [a, b, c, d]\nmetrics: {{d: []}}\n{stated}")
    assert read_catalogue().collections["all"].weights == weights


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ("weights: {a: 1}", "weights: b stands there 0 times; name each task that is averaged once"),
        ("weights: {a: 1, b: 1, d: 1}", "weights: d stands there 1 times"),
        ("groups: {one: [a, b], two: [a]}", "groups: a stands there 2 times"),
        ("weights: {a: 0, b: 1}", "greater than 0"),
        ("weights: {a: .nan, b: 1}", "finite"),
        ("weights: {a: .inf, b: 1}", "finite"),
    ],
)
def test_weights_and_groups_of_a_collection_hold_each_averaged_task_once(
    tmp_path: Path, write_task: Callable[..., Path], stated: str, told: str
) -> None:
    for name in "abd":
        write_task(name)
    folder = tmp_path / "mine" / "tasks" / "collections"
    folder.mkdir(parents=True)
    (folder / "all.yaml").write_text(f"title: All\ntasks: [a, b, d]\nmetrics: {{d: []}}\n{stated}\n")
    with pytest.raises(CardError, match=told):
        read_catalogue([tmp_path / "mine"])


def test_an_extending_card_states_what_differs(write_task: Callable[..., Path], cards: Path) -> None:
    write_task("adding", aliases="[plus]", expect="{images: 12}")
    (cards / "tasks" / "adding@simple.yaml").write_text("extends: adding\nprotocol: simple\n")
    entry = read_catalogue().tasks["adding@simple"]
    assert (entry.kind, entry.summary["protocol"], entry.summary["images"]) == ("question", "simple", 12)
    assert entry.aliases == ()

    (cards / "tasks" / "adding@twice.yaml").write_text("extends: adding@simple\n")
    with pytest.raises(CardError, match="adding@simple itself extends adding; name that one"):
        find(read_catalogue(), "adding@twice", "task")
    (cards / "tasks" / "adding@twice.yaml").write_text("extends: adding+\n")
    with pytest.raises(CardError, match=r"extends: no card .*adding\+.yaml"):
        find(read_catalogue(), "adding@twice", "task")


def test_a_shipped_card_is_read_where_it_is_asked_for(write_task: Callable[..., Path], cards: Path) -> None:
    write_task(aliases="[plus]")
    (cards / "tasks" / "wrong.yaml").write_text("[")
    found = read_catalogue()
    assert find(found, "counting", "task") is found.tasks["counting"]
    with pytest.raises(CardError, match=r"wrong\.yaml"):  # an alias may be any card's
        find(found, "plus", "task")


@pytest.mark.parametrize(
    ("aliases", "told"),
    [
        (("b",), r"a.yaml: the alias 'b' is also a name of .*b.yaml"),
        (("x",), r"the alias 'x' is also a name of"),
        (("x y",), r"a.yaml: the alias 'x y' contains one of"),
        (("all",), r"all.yaml: a task is called 'all'; rename"),
    ],
)
def test_every_name_means_one_thing(aliases: tuple[str, ...], told: str) -> None:
    entries = {
        "a": Entry("a", Path("a.yaml"), "", "count", aliases=aliases),
        "b": Entry("b", Path("b.yaml"), "", "count", aliases=("x",)),
    }
    every = {"all": Collection("all", Path("all.yaml"), "All", ("a",))}
    with pytest.raises(CardError, match=told):
        Catalogue(tasks=entries, collections=every).stands_for("task")


@pytest.mark.parametrize(
    ("name", "tasks", "told"),
    [
        ("all", "[mine, zz]", r"all.yaml: no card for zz; add it"),
        ("mine", "[mine]", r"mine.yaml: a task is called 'mine'; rename"),
    ],
)
def test_a_collection_names_tasks_that_are_there_and_has_no_tasks_name(
    tmp_path: Path, write_task: Callable[..., Path], name: str, tasks: str, told: str
) -> None:
    write_task("mine", folder=tmp_path / "mine" / "tasks")
    folder = tmp_path / "mine" / "tasks" / "collections"
    folder.mkdir()
    (folder / f"{name}.yaml").write_text(f"title: All\ntasks: {tasks}\n")
    with pytest.raises(CardError, match=told):
        read_catalogue([tmp_path / "mine"])


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
    assert tuple(select(known(KNOWN, "model"), patterns, "model")) == chosen


def test_capitals_dashes_and_underscores_do_not_matter_where_one_card_is_meant() -> None:
    catalogue = known(("cifar10", "cifar10@elevater", "a-b", "ab"), "task")
    other = replace(catalogue.tasks["cifar10@elevater"], aliases=("cifar-10", "Other"))
    catalogue = replace(catalogue, tasks={**catalogue.tasks, other.name: other})
    asked = {"CIFAR-10": "cifar10", "cifar-10": "cifar10@elevater", "other": "cifar10@elevater"}
    for name, meant in asked.items():
        assert tuple(select(catalogue, [name], "task")) == (meant,)
    with pytest.raises(UnknownName, match="no task named"):
        select(catalogue, ["A_b"], "task")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("laion/x", "write hf-hub:laion/x or open_clip:laion/x or transformers:laion/x; `vlbench list"),
        ("clip-b23", "no model named 'clip-b23'; did you mean .*clip-b32.*add a card to model_cards/"),
        ("blip-*", "no model named 'blip-\\*'"),
        ("openclip:ViT-B-32", "no adapter named 'openclip'; did you mean open_clip"),
        ("open_clip:", "nothing follows the colon"),
    ],
)
def test_what_nobody_has_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(UnknownName, match=told):
        select(known(KNOWN, "model"), [pattern], "model")


def test_the_word_for_all_is_told() -> None:
    with pytest.raises(UnknownName, match=r"no task named 'all'; write '\*' for all; `vlbench list tasks`"):
        select(Catalogue(), ["all"], "task")


def test_a_task_reference_begins_with_a_task_kind() -> None:
    assert tuple(select(Catalogue(), ["tagging:my/photos"], "task")) == ("tagging:my/photos",)
    with pytest.raises(UnknownName, match="no task kind named 'clip'"):
        select(Catalogue(), ["clip:my/photos"], "task")


def test_a_half_is_asked_for_by_an_alias_too() -> None:
    cars = Entry("stanford_cars", Path("cars.yaml"), "", "any", aliases=("cars", "wds/cars"))
    every = {"all": Collection("all", Path("all.yaml"), "", (cars.name,))}
    tasks = Catalogue(tasks={cars.name: cars}, collections=every)
    assert tuple(select(tasks, ["cars@base", "wds/cars@base", "cars@new"], "task")) == (
        "stanford_cars@base",
        "stanford_cars@new",
    )
    assert find(tasks, "cars@new", "task") == replace(cars, half="new")
    with pytest.raises(UnknownName, match="no task named 'all@base'"):  # a collection has no halves
        select(tasks, ["all@base"], "task")


def test_halves_of_a_tasks_classes_are_names_and_no_wildcard_matches_them() -> None:
    tasks = known(("dtd", "digits"), "task")
    assert list(select(tasks, ["dtd@new", "d*", "dtd@base"], "task")) == [
        "dtd@new",
        "digits",
        "dtd",
        "dtd@base",
    ]
    assert find(tasks, "dtd@new", "task") == replace(tasks.tasks["dtd"], half="new")
    with pytest.raises(UnknownName, match=r"no task named 'dtf@base'; did you mean dtd@base"):
        select(tasks, ["dtf@base"], "task")
    with pytest.raises(UnknownName, match="no task named 'dtd@bse'; did you mean dtd@base"):
        select(tasks, ["dtd@bse"], "task")
    with pytest.raises(UnknownName, match=r"no task named 'digit'; did you mean digits\?;"):
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
    catalogue = Catalogue(tasks=entries, collections={"both+": both})
    assert tuple(select(catalogue, ["vtab/dtd", "both+"], "task")) == ("dtd", "digits")
    assert find(catalogue, "vtab/dtd", "task") is entries["dtd"]
    with pytest.raises(UnknownName, match="one name is wanted here; it matches digits, dtd"):
        find(catalogue, "both+", "task")
    with pytest.raises(UnknownName, match=r"no task named 'vtab/dtb'; did you mean vtab/dtd"):
        select(catalogue, ["vtab/dtb"], "task")


@pytest.mark.parametrize("alias", ["counting", "same", '"a*"'])
def test_an_alias_of_the_users_that_means_two_things_is_told_at_once(
    write_task: Callable[..., Path], tmp_path: Path, alias: str
) -> None:
    write_task()
    for name in ("mine", "other"):
        write_task(name, folder=tmp_path / "mine", aliases=f"[{alias}]")
    with pytest.raises(CardError, match=r"(mine|other).yaml: the alias '(counting|same|a\*)' "):
        read_catalogue([tmp_path / "mine"])
