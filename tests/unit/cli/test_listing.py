import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vlbench.cli.listing import columns, command

HEAVY = "torch numpy pandas scipy PIL open_clip datasets sklearn pydantic ruamel"
IMPORTS = f"""
import sys
from vlbench.cli.main import group
for what in ("models", "tasks", "metrics", "sources"):
    group.main(["list", what], standalone_mode=False)
print("HEAVY", sorted({{*"{HEAVY}".split()}} & sys.modules.keys()))
"""


def listed(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


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
    assert tasks["imagenet"] | {"file": ""} == {
        "name": "imagenet",
        "kind": "classification",
        "protocol": "openai-80",
        "primary": "acc1",
        "images": 50000,
        "texts": 1000,
        "title": "ImageNet-1k",
        "file": "",
    }
    assert Path(tasks["imagenet"]["file"]).is_file()
    assert "classification:FOLDER" in listed("tasks")


@pytest.mark.parametrize(("what", "name"), [("metrics", "acc1"), ("sources", "folder")])
def test_plug_ins_are_listed_with_their_distribution(what: str, name: str) -> None:
    assert {"name": name, "from": "vlbench"} in json.loads(listed(what, "--json"))
    assert f"{name} " in listed(what)


def test_a_users_cards_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine-net.yaml").write_text("title: Mine\nadapter: clip\nparameters: 1\n")
    assert "mine-net" in listed("models", "--include-path", str(tmp_path))
    assert "mine-net" not in listed("models")
    monkeypatch.setenv("VLBENCH_INCLUDE_PATH", str(tmp_path))
    assert "mine-net" in listed("models")


def test_columns_are_aligned() -> None:
    rows = [
        {"name": "a", "n": 1, "title": "A", "file": "x"},
        {"name": "bcd", "n": None, "title": "", "file": ""},
    ]
    assert columns(rows) == "name  n  title\na     1  A\nbcd"
    assert columns([]) == "(none)"
