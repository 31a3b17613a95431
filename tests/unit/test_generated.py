import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from every_card import assert_each
from jsonschema import Draft202012Validator

from vlbench.cards.card_file import read_card
from vlbench.cards.folders import built_in_folder
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.cards.texts import read_names, read_templates
from vlbench.cards.yaml_file import read_mapping
from vlbench.core.metric_name import split_metric
from vlbench.core.registry import METRICS

pytestmark = pytest.mark.cards

ROOT = built_in_folder()
TASKS = sorted((ROOT / "tasks").glob("*.yaml"))
MODELS = sorted((ROOT / "model_cards").glob("*.yaml"))


@cache
def validator(kind: str) -> Draft202012Validator:
    schema = json.loads((ROOT / "docs" / "schema" / f"{kind}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def complaints(kind: str, card: object) -> list[str]:
    return [error.message for error in validator(kind).iter_errors(card)]


def test_generated_files_are_fresh() -> None:
    script = ROOT / "scripts" / "generate.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check_task_card(path: Path) -> None:
    card = read_card(path, TaskCard).card
    assert complaints("task", read_mapping(path)) == []
    assert path.read_text().startswith("# yaml-language-server: $schema=../docs/schema/task.json\n")
    if card.ids is not None:  # names and templates are the user's files
        assert len(read_names(path.parent / card.ids)) == card.expect.texts
        return
    if card.names is not None:
        assert len(read_names(path.parent / card.names)) == card.expect.texts
    if card.templates is not None:
        assert len(set(read_templates(path.parent / card.templates))) > 0


def test_every_task_card_holds() -> None:
    assert_each(check_task_card, TASKS)


def check_model_card(path: Path) -> None:
    card = read_card(path, ModelCard).card
    assert complaints("model", read_mapping(path)) == []
    assert path.read_text().startswith("# yaml-language-server: $schema=../docs/schema/model.json\n")
    assert {split_metric(score.metric)[0] for score in card.published} <= set(METRICS.names())


def test_every_model_card_holds() -> None:
    assert_each(check_model_card, MODELS)


def test_published_scores_state_the_protocol_of_their_task() -> None:
    protocols = {path.stem: read_card(path, TaskCard).card.protocol for path in TASKS}

    def check(path: Path) -> None:
        for score in read_card(path, ModelCard).card.published:
            assert score.protocol == protocols.get(score.task, score.protocol), score.task

    assert_each(check, MODELS)


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    card = read_mapping(ROOT / "tasks" / "cifar10.yaml")
    folder = {"kind": "folder", "path": "a"}
    assert complaints("task", {**card, "sources": [folder, {"kind": "of-a-plug-in", "colour": "red"}]}) == []
    assert complaints("task", {**card, "sources": [{**folder, "colour": "red"}]})
    assert complaints("task", {**card, "sources": [{"kind": "folder"}]})
    assert complaints("task", {**card, "colour": "red"})
    model = read_mapping(ROOT / "model_cards" / "clip-b32.yaml")
    assert complaints("model", {**model, "settings": {"colour": "red"}})
    assert complaints("model", {**model, "adapter": "of-a-plug-in", "settings": {"colour": "red"}}) == []


def test_imagenet_is_the_published_list() -> None:
    names = read_names(ROOT / "tasks" / "names" / "imagenet.tsv")
    wnids = [text.ids["wnid"] for text in names]
    assert wnids == sorted(set(wnids))
    assert len(wnids) == 1000
    repeated = {text.name for text in names if [each.name for each in names].count(text.name) > 1}
    assert repeated == {"missile", "sunglasses"}
    assert names[0].name == "tench"
    assert names[-1].name == "toilet paper"
    templates = read_templates(ROOT / "tasks" / "templates" / "imagenet.txt")
    assert (len(templates), len(set(templates))) == (80, 80)
