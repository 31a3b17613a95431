"""Protocols of cards, field by field."""

import pytest

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.protocols import card_protocols


@pytest.fixture(scope="module")
def protocols():
    names = ["imagenet", "imagenet@elevater", "imagenet@coop", "imagenet@ar", "imagenet@coop@base", "nobody"]
    return card_protocols(names, read_catalogue())


def test_a_card_states_its_fields(protocols):
    imagenet = protocols["imagenet"]
    shown = {name: stated.shown for name, stated in imagenet.fields.items()}
    assert shown["names"] == "1,000 of names/imagenet.tsv"
    assert shown["templates"] == "80 of templates/imagenet.txt"
    assert (shown["images"], shown["classes"]) == ("50,000", "all")
    assert (imagenet.texts, len(imagenet.templates)) == (1000, 80)
    assert "nobody" not in protocols


def test_what_differs_is_the_first_field_that_does(protocols):
    imagenet = protocols["imagenet"]
    assert imagenet.difference(imagenet) == ""
    assert protocols["imagenet@elevater"].difference(imagenet) == ""
    assert protocols["imagenet@coop"].difference(imagenet).startswith("templates: 1 of templates/")
    assert protocols["imagenet@coop@base"].difference(protocols["imagenet@coop"]) == "classes: base, not all"


def test_texts_of_the_users_own_files_are_named_by_file(protocols):
    arabic = protocols["imagenet@ar"]
    assert arabic.templates is None
    assert arabic.difference(protocols["imagenet"]) == (
        "names: clip_benchmark/datasets/ar_classnames.json, not 1,000 of names/imagenet.tsv"
    )
