import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlbench.cli.show import command
from vlbench.core.errors import UnknownName


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_model_is_shown_with_its_published_scores_and_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    lines = shown("clip-b32").splitlines()
    assert lines[0] == "clip-b32: CLIP ViT-B/32 (OpenAI)"
    assert "  settings        arch: ViT-B-32-quickgelu, pretrained: openai" in lines
    (weights,) = (line for line in lines if line.startswith("  weights here"))
    assert weights.split(maxsplit=2)[2].startswith("no; the first run fetches them into")
    (start,) = (i for i, line in enumerate(lines) if line.startswith("published: "))
    header, *rows = lines[start + 1 :]
    assert header.split()[:4] == ["task", "metric", "value", "source"]
    assert len(rows) == 8
    (facts,) = json.loads(shown("clip-b32", "--json"))
    scores = [each for each in facts["published"] if each["task"] == "imagenet" and not each["differs"]]
    assert 0.6332 in [each["value"] for each in scores]
    assert all(each["source"] for each in facts["published"])


def test_a_packaged_model_runs_here() -> None:
    text = shown("tiny-clip")
    assert "/model_cards/tiny-clip" in text
    assert "  weights here    no" not in text
    assert "published       nothing that vlbench knows of" in text


def test_a_task_card_is_shown_with_its_protocol_and_places(tmp_path: Path) -> None:
    (tmp_path / "cifar10" / "test").mkdir(parents=True)
    text = shown("cifar10", "--data-root", str(tmp_path))
    for line in (
        "  names           10 in names/cifar10.tsv: airplane, automobile, bird, ...",
        "  expect          images: 10000, texts: 10",
        f"                  found: {tmp_path}/cifar10/test",
    ):
        assert line in text.splitlines()
    # a long path stands on a line of its own
    assert f"data here {tmp_path}/cifar10/test" in " ".join(text.split())
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


def test_a_task_says_who_published_what_and_how_else_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    (facts,) = json.loads(shown("imagenet", "--json"))
    others = {each["name"]: each["protocol"] for each in facts["other_protocols"]}
    assert others["imagenet@coop"] == "coop"
    assert "imagenet" not in others
    assert "imagenet-v2" not in others
    assert {"clip27", "vtab+"} <= set(facts["collections"])
    assert {each["task"] for each in facts["published"]} == {"imagenet"}
    lines = shown("imagenet").splitlines()
    (start,) = (i for i, line in enumerate(lines) if line.startswith("published: "))
    values = [float(line.split()[2]) for line in lines[start + 2 : start + 10]]
    assert values == sorted(values, reverse=True)
    assert "  zero-shot       not for models trained on imagenet" in lines


@pytest.mark.slow
def test_an_alias_and_a_half_show_their_card() -> None:
    assert shown("wds/imagenet1k") == shown("imagenet")
    assert shown("dtd@coop@new").startswith("dtd@coop: ")


def test_a_collection_is_shown_with_its_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "cifar100").mkdir()
    text = shown("vtab", "--data-root", str(tmp_path))
    assert text.startswith("vtab: VTAB")
    assert "  data here       of 1 of 19 tasks" in text
    (row,) = (line.split() for line in text.splitlines() if line.split()[:1] == ["cifar100"])
    assert (row[1], row[-1]) == ("classification", "yes")
    (facts,) = json.loads(shown("vtab", "--json"))
    assert (facts["what"], len(facts["tasks"])) == ("collection", 19)


HEAVY = "torch numpy pandas scipy PIL open_clip datasets"
IMPORTS = f"""
import sys
from vlbench.cli.main import group
for name in ("imagenet", "clip-b32", "vtab"):
    group.main(["show", name], standalone_mode=False)
print("HEAVY", sorted({{*"{HEAVY}".split()}} & sys.modules.keys()))
"""


@pytest.mark.slow
def test_nothing_heavy_is_imported_to_show() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_an_unknown_name_has_close_matches_of_both_kinds() -> None:
    with pytest.raises(UnknownName, match="no card named 'imagnet'; did you mean imagenet"):
        shown("imagnet")
    with pytest.raises(UnknownName, match=r"own data have none; `vlbench data check tagging:x` tells what"):
        shown("tagging:x")


@pytest.mark.parametrize(("name", "meant"), [("CLIP_B32", "clip-b32"), ("CIFAR-10", "cifar10")])
def test_a_card_is_shown_as_it_is_run_whatever_the_capitals(name: str, meant: str) -> None:
    assert shown(name).startswith(f"{meant}: ")


def test_data_without_a_card_are_no_misspelt_card() -> None:
    with pytest.raises(UnknownName, match=r"`vlbench data check classification:voc`") as told:
        shown("classification:voc")
    assert "did you mean" not in str(told.value)
