"""The cards of classification and the collections against reduced facts: counts, order, prompts, names."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path

import pytest
from every_card import assert_each

from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import find, read_catalogue, select
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import read_names, read_templates
from vlbench.core.contracts import Text
from vlbench.core.label_index import LabelIndex
from vlbench.core.protocol import asked

pytestmark = pytest.mark.cards

FACTS = Path(__file__).parents[2] / "fixtures" / "facts"
SETS = json.loads((FACTS / "classification.json").read_text(encoding="utf-8"))
COLLECTIONS = json.loads((FACTS / "collections.json").read_text(encoding="utf-8"))
CATALOGUE = read_catalogue()
CLASSIFICATIONS = [name for name, entry in CATALOGUE.tasks.items() if entry.kind == "classification"]
NAMED_BY_DATA = {"objectnet", "iwildcam", "camelyon17", "fmow", "dollar_street", "geode"}
USERS_FILES = {f"imagenet@{language}" for language in ("ar", "cn", "it", "jp")}
PLAIN = {"clip_benchmark": "", "openai": "@openai", "elevater": "@elevater", "coop": "@coop"}
METRIC = {"accuracy": "acc1", "mean-per-class": "mean_per_class_recall"}
NUMBERED = {
    *(f"{name}@openai" for name in ("oxford_pets", "eurosat", "fer2013")),
    *(f"{name}@elevater" for name in ("food101", "stanford_cars", "fgvc_aircraft", "caltech101", "cifar100")),
}
"""Cards whose names stand in another order than the data's numbers."""
OTHER_ORDER = {"caltech101"}
"""Sets whose plain card stands for OpenAI's too, in CLIP_benchmark's order."""


@cache
def card_of(name: str) -> TaskCard:
    return read_card(CATALOGUE.tasks[name].path, TaskCard).card


def names_of(name: str) -> list[Text]:
    card = card_of(name)
    if card.names is None or name in USERS_FILES:
        return []
    return list(read_names(CATALOGUE.tasks[name].path.parent / card.names))


def templates_of(name: str) -> list[str]:
    card = card_of(name)
    return list(read_templates(CATALOGUE.tasks[name].path.parent / card.templates)) if card.templates else []


def card_for(data_set: str, protocol: str) -> str:
    """The card of a data set's protocol: its own, or the plain one where that is an alias of it."""
    if data_set == "voc2007" and protocol in ("openai", "elevater"):
        data_set = "voc2007-multilabel"
    return find(CATALOGUE, f"{data_set}{PLAIN[protocol]}", "task").name


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def same_class(name: str) -> str:
    """A name without what protocols spell in different ways."""
    return name.lower().replace("_", " ").replace("/", " ").replace("-", " ")


def check_whole(name: str) -> None:
    card = card_of(name)
    assert card.about
    assert card.primary in card.metrics
    assert card.expect.texts
    if name in USERS_FILES:
        assert len(read_names(CATALOGUE.tasks[name].path.parent / (card.ids or ""))) == card.expect.texts
        return
    if not name.startswith(("digits", "shapes")):
        assert card.data
    names = names_of(name)
    if not names:
        assert name in NAMED_BY_DATA or card.protocol == "coop"
        return
    assert len(names) == card.expect.texts
    index = LabelIndex.of(names, name)  # ids are unique, and names that repeat have one
    assert sorted(index.numbers.values() or range(len(names))) == list(range(len(names)))
    templates = templates_of(name)
    assert templates
    assert all(asked(text, templates).prompts for text in names)
    if "acc5" in card.metrics:
        assert len(names) > 5


def test_every_card_is_whole() -> None:
    assert_each(check_whole, CLASSIFICATIONS)


def check_counts(data_set: str) -> None:
    fact, card = SETS["datasets"][data_set], card_of(data_set)
    assert card.expect.texts == fact["classes"]
    stated = fact["images"]
    if isinstance(stated, int):
        assert card.expect.images == stated
    elif card.expect.images is not None:
        assert stated is not None, "a number that no source verifies"
        assert card.expect.images in stated.values()


def test_plain_cards_have_the_counts_of_the_facts() -> None:
    assert_each(check_counts, sorted(SETS["datasets"]))


def check_protocol(case: tuple[str, str]) -> None:
    protocol, data_set = case
    fact = SETS["protocols"][protocol][data_set]
    name = card_for(data_set, protocol)
    names, templates = names_of(name), templates_of(name)
    assert card_of(name).expect.texts == fact["classes"]
    if data_set not in NAMED_BY_DATA:
        assert len(templates) == fact["templates"]
    if "prompts" in fact:
        assert (templates[0], digest(templates)) == (fact["first_template"], fact["prompts"])
    if "names" in fact and not (protocol == "openai" and data_set in OTHER_ORDER):
        listed = [text.name for text in names]
        assert (listed[0], listed[-1]) == (fact["first"], fact["last"])
        assert digest(listed) == fact["names"]
    if protocol == "elevater":
        assert card_of(name).expect.images == fact["images"]
        assert card_of(name).primary in (
            METRIC.get(fact["metric"]),
            fact["metric"],
            "eleven_point_mean_average_precision",
        )


def test_names_order_and_templates_are_the_protocols() -> None:
    cases = [(protocol, name) for protocol in PLAIN for name in SETS["protocols"][protocol]]
    assert_each(check_protocol, cases)


def test_nine_of_elevaters_sets_stand_in_an_order_of_their_own() -> None:
    protocols = SETS["protocols"]
    other = {
        name
        for name in protocols["elevater"]
        if protocols["elevater"][name].get("names") != protocols["openai"][name].get("names")
    }
    assert other == {
        *("oxford_pets", "food101", "stanford_cars", "fgvc_aircraft", "caltech101", "voc2007"),
        *("cifar100", "eurosat", "fer2013"),
    }


def check_numbers(name: str) -> None:
    plain, own = names_of(name.split("@")[0]), names_of(name)
    index = LabelIndex.of(own, name)
    for number, text in enumerate(plain):
        assert same_class(own[index.position(number, str)].name) == same_class(text.name)


def test_the_datas_number_means_the_same_class_in_another_order() -> None:
    assert_each(check_numbers, sorted(NUMBERED))


def test_numbers_of_lists_without_a_plain_one() -> None:
    numbered = {name for name in CLASSIFICATIONS if any("number" in text.ids for text in names_of(name))}
    assert numbered == NUMBERED | {"clevr_count_all@openai", "ucf101"}
    counts = LabelIndex.of(names_of("clevr_count_all@openai"), "")
    assert [names_of("clevr_count_all@openai")[counts.position(n, str)].name for n in (0, 7)] == ["3", "10"]
    actions = names_of("ucf101")
    index = LabelIndex.of(actions, "")
    # classInd.txt of UCF101, from 1 on: 35 Hammering, 36 HammerThrow, 101 YoYo
    assert [actions[index.position(n, str)].name for n in (34, 35, 100)] == [
        "Hammering",
        "Hammer Throw",
        "Yo Yo",
    ]


def test_names_as_published() -> None:
    assert [text.name for text in names_of("clevr_closest_object_distance")][3] == ""
    repeated = [text.name for text in names_of("imagenet")]
    assert {name for name in repeated if repeated.count(name) > 1} == {"missile", "sunglasses"}
    assert templates_of("resisc45")[0] == "a sattelite image of {}"
    afraid, happy = (names_of("fer2013@openai")[i] for i in (2, 3))
    prompts = asked(happy, templates_of("fer2013@openai")).prompts
    assert len(prompts) == 12
    assert (prompts[0], prompts[6]) == (
        "a photo of a happy looking face.",
        "a photo of a smiling looking face.",
    )
    assert len(asked(afraid, templates_of("fer2013@openai")).prompts) == 6
    assert [text.name for text in names_of("fer2013@elevater")] == [text.name for text in names_of("fer2013")]


def test_subsets_of_imagenet_have_its_names() -> None:
    whole = {text.ids["wnid"]: text.name for text in names_of("imagenet")}

    def check(name: str) -> None:
        part = names_of(name)
        assert [whole[text.ids["wnid"]] for text in part] == [text.name for text in part]
        assert [text.ids["wnid"] for text in part] == sorted(text.ids["wnid"] for text in part)

    assert_each(check, ["imagenet-a", "imagenet-r", "imagenet-o"])


def test_names_of_other_tools_resolve() -> None:
    for alias, name in COLLECTIONS["aliases"].items():
        name = {"mscoco_captions": "coco", "voc2007_multilabel": "voc2007-multilabel"}.get(name, name)
        for spelling in (alias, f"wds/{alias}"):
            assert find(CATALOGUE, spelling, "task").name == name
    for spelling in (
        "imagenet1k",
        "vtab/cifar100",
        "wds/vtab/cifar100",
        "cars",
        "kitti_closest_vehicle_distance",
    ):
        find(CATALOGUE, spelling, "task")
    for name in SETS["protocols"]["openai"]:
        if name != "voc2007":
            assert find(CATALOGUE, f"{name}@openai", "task")


def check_collection(name: str) -> None:
    theirs = COLLECTIONS["clip_benchmark"][name]
    assert list(select(CATALOGUE, [name], "task")) == list(select(CATALOGUE, theirs, "task"))
    assert len(CATALOGUE.collections[name].tasks) == len(theirs)


def test_collections_of_clip_benchmark() -> None:
    assert_each(check_collection, ["vtab", "vtab+", "imagenet_robustness", "retrieval"])


def test_other_collections_have_the_counts_of_the_facts() -> None:
    for name in ("elevater20", "coop11", "clip27"):
        tasks = CATALOGUE.collections[name].tasks
        assert len(set(tasks)) == COLLECTIONS["counts"][name]
    assert all(task.endswith("@elevater") for task in CATALOGUE.collections["elevater20"].tasks)
    listed = {row["name"]: row for row in COLLECTIONS["datacomp"]}
    missing = {"misc/winogavil", "fairness/fairface", "fairness/utkface"}
    ours = {
        task: listed[name] for name in listed.keys() - missing for task in select(CATALOGUE, [name], "task")
    }
    assert ours.keys() == set(CATALOGUE.collections["datacomp37"].tasks)

    def check(task: str) -> None:
        row = ours[task]
        assert card_of(task).expect.images == row["size"]
        if "num_classes" in row:
            assert card_of(task).expect.texts == row["num_classes"]
        if row.get("main_metric") == "mean_per_class_recall":
            assert card_of(task).primary == "mean_per_class_recall"

    assert_each(check, ours)


def test_every_file_of_names_and_templates_is_used_and_stands_once() -> None:
    folder = CATALOGUE.tasks["imagenet"].path.parent
    said = (
        re.findall(r"^(?:names|templates|ids): (.+)$", path.read_text(), re.M)
        for path in folder.glob("*.yaml")
    )
    used = {file for files in said for file in files}
    own = {f"templates/own-{kind}.txt" for kind in ("classification", "tagging")}
    lying = {
        str(path.relative_to(folder)) for kind in ("names", "templates") for path in (folder / kind).iterdir()
    }
    assert lying - own <= used
    texts = [path.read_bytes() for path in sorted((folder / "names").iterdir())]
    assert len(texts) == len(set(texts))
