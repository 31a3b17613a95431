import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlbench.cli.listing import command
from vlbench.core.errors import UnknownName
from vlbench.core.method import Method
from vlbench.core.registry import METHODS, SCORINGS
from vlbench.core.scoring import Scoring

HEAVY = "torch numpy pandas scipy PIL open_clip datasets sklearn pydantic ruamel"
IMPORTS = f"""
import sys
from vlbench.cli.main import group
for what in ("models", "tasks", "collections", "metrics", "sources"):
    group.main(["list", what], standalone_mode=False)
for what in ("models", "tasks"):
    group.main(["list", what, "--local"], standalone_mode=False)
print("HEAVY", sorted({{*"{HEAVY}".split()}} & sys.modules.keys()))
"""


def listed(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_nothing_heavy_is_imported_to_list() -> None:
    output = subprocess.run(
        [sys.executable, "-c", IMPORTS], check=True, capture_output=True, text=True
    ).stdout
    assert output.splitlines()[-1] == "HEAVY []"


def test_models_are_listed_with_what_passes_through() -> None:
    header, *rows = listed("models").splitlines()
    assert header.split() == ["name", "adapter", "family", "parameters", "image_size", "gflops", "title"]
    (line,) = (row for row in rows if row.startswith("clip-b32 "))
    assert line.split() == [
        "clip-b32",
        "clip",
        "openai",
        "151.28",
        "224",
        "8.82",
        "CLIP",
        "ViT-B/32",
        "(OpenAI)",
    ]
    assert "open_clip:ARCH/TAG, hf-hub:ORG/NAME, local-dir:FOLDER" in rows[-1]


def test_tasks_as_json_have_their_files() -> None:
    tasks = {row["name"]: row for row in json.loads(listed("tasks", "--json"))}
    assert tasks["imagenet"] | {"file": "", "aliases": [], "collections": []} == {
        "name": "imagenet",
        "kind": "classification",
        "protocol": "openai-80",
        "primary": "acc1",
        "images": 50000,
        "texts": 1000,
        "title": "ImageNet-1k",
        "aliases": [],
        "collections": [],
        "file": "",
    }
    assert "wds/imagenet1k" in tasks["imagenet"]["aliases"]
    assert "vtab+" in tasks["imagenet"]["collections"]
    assert Path(tasks["imagenet"]["file"]).is_file()
    assert "classification:FOLDER" in listed("tasks")


@pytest.mark.parametrize(("what", "name"), [("metrics", "acc1"), ("sources", "folder")])
def test_plug_ins_are_listed_with_their_distribution(what: str, name: str) -> None:
    assert {"name": name, "from": "vlbench"} in json.loads(listed(what, "--json"))
    assert f"{name} " in listed(what)


def test_methods_are_listed_with_their_settings_and_what_they_do() -> None:
    def probe(*, alpha: float = 0.5, shots: int | None = None, head: str) -> Method:
        """Ridge of the vectors.

        More.
        """
        raise AssertionError("only listed")

    METHODS.register("a-probe")(probe)
    try:
        rows = json.loads(listed("methods", "--json"))
        table = listed("methods")
    finally:
        METHODS.unregister("a-probe")
    assert rows[0] == {
        "name": "a-probe",
        "from": "",
        "settings": "alpha=0.5, shots, head",
        "what": "Ridge of the vectors",
    }
    assert rows[1] | {"what": ""} == {"name": "best-f1", "from": "vlbench", "settings": "", "what": ""}
    assert rows[-1]["what"] == "The model's own scores; nothing is learned"
    assert table.splitlines()[0].split() == ["name", "from", "settings", "what"]
    assert table.splitlines()[-1].startswith("Settings follow a colon: --method NAME:SETTING=VALUE")


def test_scorings_are_listed_with_what_they_keep() -> None:
    def run(blocks: object, problem: object) -> dict[str, object]:
        """The sum of all scores, and the mean.

        More.
        """
        raise AssertionError("only listed")

    SCORINGS.register("a-sum")(Scoring("a-sum", run, keeps=frozenset({"sum", "mean"})))
    try:
        rows = {row["name"]: row for row in json.loads(listed("scorings", "--json"))}
    finally:
        SCORINGS.unregister("a-sum")
    assert rows["a-sum"] == {
        "name": "a-sum",
        "from": "",
        "keeps": "mean, sum",
        "what": "The sum of all scores, and the mean",
    }
    assert rows["two_way_ranks"]["keeps"] == "column_ranks, row_ranks"


@pytest.mark.slow
def test_no_torch_is_imported_to_list_methods_and_scorings() -> None:
    code = IMPORTS.replace(str(HEAVY), "torch pandas scipy PIL pydantic").replace(
        '("models", "tasks", "collections", "metrics", "sources")', '("methods", "scorings")'
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "two_way_ranks" in output
    assert output.splitlines()[-1] == "HEAVY []"


@pytest.mark.slow
def test_a_users_cards_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine-net.yaml").write_text("title: Mine\nadapter: clip\nparameters: 1\n")
    assert "mine-net" in listed("models", "--include-path", str(tmp_path))
    assert "mine-net" not in listed("models")
    monkeypatch.setenv("VLBENCH_INCLUDE_PATH", str(tmp_path))
    assert "mine-net" in listed("models")


def names(*arguments: str) -> list[str]:
    return [row["name"] for row in json.loads(listed(*arguments, "--json"))]


def test_tasks_are_filtered_by_kind_and_collection() -> None:
    tagging = names("tasks", "--kind", "tagging")
    assert {"shapes-tags", "coco-80"} <= set(tagging)
    assert "imagenet" not in tagging
    vtab = names("tasks", "--collection", "vtab")
    assert (len(vtab), vtab[0]) == (19, "caltech101")
    assert "coco" in names("tasks", "--collection", "retrieval", "--kind", "retrieval")


def test_models_are_filtered_by_family_and_adapter() -> None:
    assert "clip-b32" in names("models", "--family", "openai")
    assert "clip-b32-laion2b" not in names("models", "--family", "openai")
    assert names("models", "--kind", "tag2text") == ["tag2text"]


def test_collections_are_listed_with_their_tasks() -> None:
    rows = {row["name"]: row for row in json.loads(listed("collections", "--json"))}
    assert rows["vtab"]["tasks"] == len(rows["vtab"]["members"]) == 19


@pytest.mark.slow
def test_what_lies_here_is_told_from_what_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    root = tmp_path / "data"
    bare = names("tasks", "--local", "--data-root", str(root))
    assert {"shapes", "digits", "shapes-tags"} <= set(bare)
    assert not {"cifar10", "imagenet"} & set(bare)
    (root / "imagenet" / "val").mkdir(parents=True)
    (tmp_path / "hub/datasets--mteb--cifar10/snapshots/0a/data").mkdir(parents=True)
    found = names("tasks", "--local", "--data-root", str(root))
    assert {"cifar10", "imagenet"} <= set(found) - set(bare)
    assert "cifar100" not in names("tasks", "--local", "--data-root", f"cifar100={root / 'none'}")
    assert "cifar100" in names("tasks", "--local", "--data-root", f"cifar100={root}")
    here = {row["name"]: row["here"] for row in json.loads(listed("collections", "--local", "--json"))}
    assert here["vtab+"] == 1  # cifar10


def test_weights_that_lie_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--react-vl--react-in1k" / "snapshots" / "0a"
    snapshot.mkdir(parents=True)
    assert {"tiny-clip", "tiny-coop"} <= set(names("models", "--local"))
    assert "react-b32" not in names("models", "--local")
    (snapshot / "clip-vit-base-32-gated-image.pt").touch()
    found = names("models", "--local")
    assert "react-b32" in found
    assert "react-b16" not in found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("models", "--family", "opnai"), "no family named 'opnai'; did you mean openai?"),
        (("tasks", "--kind", "taging"), "no kind named 'taging'; did you mean tagging"),
        (("tasks", "--collection", "vtap"), "no collection named 'vtap'; did you mean vtab"),
    ],
)
def test_a_filter_that_nothing_has_is_refused(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(UnknownName) as refused:
        listed(*arguments)
    assert str(refused.value).startswith(said)


def test_a_filter_of_another_list_is_refused() -> None:
    result = CliRunner().invoke(command, ["metrics", "--local"])
    assert result.exit_code == 2
    assert "--local is not a filter of `list metrics`" in result.stderr


def test_capitals_of_what_is_listed_do_not_matter() -> None:
    assert listed("Model") == listed("MODELS") == listed("models")
