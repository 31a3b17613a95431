from dataclasses import replace
from types import SimpleNamespace

import pytest

from vlbench.core.contracts import Text
from vlbench.core.protocol import asked, state_protocol
from vlbench.core.task import Expectation, TaskRequest

TEXTS = (Text("dog", ids={"wnid": "n1"}), Text("cat", ids={"wnid": "n2"}))
TEMPLATES = ("a photo of a {}.",)


def stated(*, texts=TEXTS, templates=TEMPLATES, primary="acc1", kind="classification", **changes):
    source = SimpleNamespace(name="pets", revision=changes.pop("revision", "r1"))
    fields = {"name": "pets", "protocol": "one", "expect": Expectation(images=10)}
    request = TaskRequest(source=source, **(fields | changes))
    return state_protocol(request, kind=kind, texts=texts, templates=templates, primary=primary)


@pytest.mark.parametrize(
    "change",
    [
        {"texts": TEXTS[::-1]},
        {"texts": (TEXTS[0], Text("cat", ids={"wnid": "n3"}))},
        {"templates": ("{}",)},
        {"templates": (*TEMPLATES, "{}")},
        {"primary": "acc5"},
        {"kind": "tagging"},
        {"settings": {"threshold": 0.5}},
    ],
)
def test_what_changes_the_number_changes_the_digest(change):
    assert stated(**change).digest != stated().digest


@pytest.mark.parametrize(
    "change",
    [{"protocol": "other name"}, {"name": "animals"}, {"revision": "r2"}, {"partial": "first 5 images"}],
)
def test_what_does_not_change_the_question_leaves_the_digest(change):
    assert stated(**change).digest == stated().digest


def test_data_that_no_card_counts_are_part_of_the_protocol():
    one, other = (stated(expect=Expectation(), revision=revision) for revision in ("r1", "r2"))
    assert one.digest != other.digest


def test_the_statement_is_kept_with_its_texts_counted():
    protocol = stated()
    assert (protocol.name, protocol.statement["texts"]) == ("one", 2)
    assert protocol.statement["templates"] == ["a photo of a {}."]
    assert "scoring at least as high" in str(protocol.statement["ties"])


def test_a_template_may_hold_a_name_twice_and_other_braces():
    found = asked(Text("a {b}"), ["{} or {}", "no {x} {}"])
    assert found.prompts == ("a {b} or a {b}", "no {x} a {b}")


def test_descriptions_stand_in_the_statement_in_the_templates_place():
    texts = tuple(replace(text, descriptions=(f"{text.name} one", "two")) for text in TEXTS)
    statement = stated(texts=texts)
    assert statement.statement["templates"] == []
    assert len(statement.statement["descriptions"]) == 32
    assert statement.digest != stated().digest
    assert statement.digest == stated(texts=texts, templates=("{}",)).digest
    other = stated(texts=(texts[0], replace(texts[1], descriptions=("two", "cat one"))))
    assert other.statement["descriptions"] != statement.statement["descriptions"]
    assert "descriptions" not in stated().statement


def test_a_described_text_has_no_prompts():
    text = replace(TEXTS[0], prompts=("old",), descriptions=("it barks",))
    assert asked(text, TEMPLATES) == replace(text, prompts=())
    assert asked(TEXTS[0], TEMPLATES).prompts == ("a photo of a dog.",)
