"""The cards of retrieval and tagging against reduced facts: counts, languages, repositories, names."""

import json
from functools import cache
from pathlib import Path

import pytest
from every_card import assert_each

from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import find, read_catalogue, select
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import read_names

pytestmark = pytest.mark.cards

SETS = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "facts" / "captions_and_tags.json").read_text(encoding="utf-8")
)["sets"]
CATALOGUE = read_catalogue()
TAGS = [each for each, facts in SETS.items() if facts["task"] == "tagging"]
PLAIN = ["flickr30k", "flickr8k", "mscoco_captions", "urban1k", "rsicd"]


@cache
def card_of(name: str) -> TaskCard:
    return read_card(CATALOGUE.tasks[name].path, TaskCard).card


def found(name: str) -> str:
    return find(CATALOGUE, name, "task").name


def repositories(card: TaskCard) -> set[object]:
    return {source.options["repo"] for source in card.sources if source.kind == "hub"}


def check_captions(name: str) -> None:
    card, stated = card_of(found(name)), SETS[name]["num_test"]
    assert card.expect.images == stated["images"]
    captions = 5 * stated["images"] if stated["captions"] == "5 per image" else stated["captions"]
    assert card.expect.texts == captions
    assert repositories(card) <= {*SETS[name]["hub"]}


def test_counts_of_captions() -> None:
    assert_each(check_captions, PLAIN)


@pytest.mark.parametrize(
    ("data_set", "card"), [("xtd10", "xtd10-{}"), ("crossmodal3600", "crossmodal3600-{}")]
)
def test_a_card_for_each_language(data_set: str, card: str) -> None:
    facts = SETS[data_set]
    names = {card.format(language) for language in facts["languages"]}
    assert {name for name in CATALOGUE.tasks if name.startswith(card.format(""))} == names

    def check(language: str) -> None:
        of_language = card_of(card.format(language))
        assert of_language.expect.images == of_language.expect.texts == facts["num_test"]["images"]
        assert of_language.kind == "retrieval"
        assert repositories(of_language) <= {*facts["hub"]}
        for source in of_language.sources:
            said = [str(value) for value in source.options.values()]
            assert any(word == language or word.endswith(f"_{language}.txt") for word in said), said

    assert_each(check, facts["languages"])
    assert len({card_of(name).title for name in names}) == len(names)


def test_multilingual_coco_is_xtd10_under_another_name() -> None:
    assert {*SETS["multilingual_mscoco_captions"]["languages"]} == {*SETS["xtd10"]["languages"]}
    for language in SETS["xtd10"]["languages"]:
        assert found(f"coco-multilingual-{language}") == f"xtd10-{language}"


def check_tags(name: str) -> None:
    card, facts = card_of(found(name)), SETS[name]
    path = CATALOGUE.tasks[found(name)].path.parent / str(card.names)
    assert card.expect.texts == facts["tags"] == len(read_names(path))
    stated = facts["num_test"]
    images = stated.get("images") if isinstance(stated, dict) else stated
    # COCO's sizes are quoted from memory: no card states them
    assert card.expect.images == (None if name.startswith("coco80") else images)
    assert repositories(card) <= {*facts["hub"]}


def test_counts_of_tags() -> None:
    assert_each(check_tags, TAGS)


def test_two_protocols_of_voc_have_one_vocabulary() -> None:
    folder = CATALOGUE.tasks["voc2007-multilabel"].path.parent / "names"
    plain, openai = (read_names(folder / f"voc2007{each}.tsv") for each in ("", "-openai"))
    assert [plain[int(text.ids["number"])].name for text in openai] == [text.name for text in openai]
    assert len(openai) == 20
    for name in ("voc2007-multilabel@elevater", "voc2007-multilabel@openai"):
        assert card_of(name).primary == "eleven_point_mean_average_precision"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mscoco_captions", "coco"),
        ("wds/flickr8k", "flickr8k"),
        ("retrieval/flickr_1k_test_image_text_retrieval", "flickr30k"),
        ("imagenet_multi", "imagenet-multi"),
        ("hico", "hico-600"),
    ],
)
def test_names_of_other_tools(name: str, meant: str) -> None:
    assert tuple(select(CATALOGUE, [name], "task")) == (meant,)


def test_every_metric_of_retrieval_is_asked_both_ways() -> None:
    both = {f"{side}_retrieval_recall@{k}" for side in ("image", "text") for k in (1, 5, 10)}

    def check(name: str) -> None:
        assert both <= {*card_of(name).metrics}

    assert_each(check, [name for name, entry in CATALOGUE.tasks.items() if entry.kind == "retrieval"])
