import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlbench.cli.show import command
from vlbench.core.errors import UnknownName


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_model_card_is_shown_with_its_published_scores() -> None:
    lines = shown("clip-b32").splitlines()
    assert lines[0] == "clip-b32: CLIP ViT-B/32 (OpenAI)"
    assert "  settings        arch: ViT-B-32-quickgelu, pretrained: openai" in lines
    table = [line.split() for line in lines[lines.index("published:") + 1 :]]
    assert table[0] == ["task", "protocol", "metric", "value", "source", "verified"]
    assert ["imagenet", "openai-80", "acc1", "0.6332"] in [row[:4] for row in table]


def test_a_task_card_is_shown_with_its_protocol_and_places(tmp_path: Path) -> None:
    (tmp_path / "cifar10" / "test").mkdir(parents=True)
    text = shown("cifar10", "--data-root", str(tmp_path))
    for line in (
        "  names           10 in names/cifar10.tsv: airplane, automobile, bird, ...",
        "  expect          images: 10000, texts: 10",
        f"                  found: {tmp_path}/cifar10/test",
    ):
        assert line in text.splitlines()
    assert "  templates       18 in templates/cifar10.txt: a photo of a {}., a blurry photo of a {}.," in text


def test_json_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLBENCH_DATA", str(tmp_path))
    (facts,) = json.loads(shown("imagenet", "--json"))
    assert facts["names"] == {
        "file": "names/imagenet.tsv",
        "count": 1000,
        "first": ["tench", "goldfish", "great white shark"],
    }
    assert facts["card"]["metrics"] == ["acc1", "acc5", "mean_per_class_recall"]
    assert facts["data"][0]["kind"] == "folder"
    assert f"{tmp_path}/imagenet/val" in facts["data"][0]["places"]
    assert facts["data"][0]["found"] == []


def test_an_unknown_name_has_close_matches_of_both_kinds() -> None:
    with pytest.raises(UnknownName, match="no card named 'imagnet'; did you mean imagenet"):
        shown("imagnet")
