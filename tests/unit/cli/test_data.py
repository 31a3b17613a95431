"""`vlbench data`: what it prints, its exit codes, and what a process of its own fetches."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hub_server import COMMIT, HubServer, hub_server, use_hub
from PIL import Image

from vlbench.cli.data import command

CARD = """\
title: Two files
kind: classification
protocol: plain
sources: [{kind: webdataset, path: two, split: test}, {kind: hub, repo: o/two, layout: webdataset}]
metrics: [acc1]
primary: acc1
"""


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as record:
        use_hub(record, tmp_path / "hub-cache", monkeypatch)
        files = {"classnames.txt": b"cat\ndog\n", "test/0.tar": bytes(20_000), "README.md": b""}
        record.repositories["datasets/o/two"] = files
        yield record


@pytest.fixture
def included(tmp_path: Path) -> Path:
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "two.yaml").write_text(CARD)
    return folder


def wnid_folders(root: Path) -> Path:
    for wnid in ("n01440764", "n01443537"):
        (root / wnid).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(root / wnid / "1.png")
    return root


def test_a_subset_is_counted_in_words(tmp_path: Path) -> None:
    folder = wnid_folders(tmp_path / "val")
    code, text, _ = run("check", "imagenet", "--data-root", f"imagenet={folder}")
    assert code == 1
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "imagenet: ImageNet-1k (openai-80)"
    (used,) = (line for line in lines if "used:" in line)
    assert used.split() == ["folder", "used:", f"folder:{folder}"]
    for line in (
        "images        2, 50,000 expected",
        "classes       1,000, 1,000 expected, 2 of them have images",
        "opened        2 images",
        "differs       2 of 1,000 classes have images",
        "differs       50,000 images expected, 2 found",
        "answer        differs from its card",
    ):
        assert line in lines


def test_no_place_of_vlbenchs_own_is_named_and_own_data_are_fetched_from_nowhere(tmp_path: Path) -> None:
    for asked in ("imagenet", f"classification:{tmp_path / 'nowhere'}"):
        code, text, _ = run("check", asked, "--data-root", str(tmp_path))
        assert code == 2
        assert "/tasks/" not in text
        assert ("`vlbench data get imagenet` fetches" in text) == (asked == "imagenet")


def test_own_data_show_their_names(tmp_path: Path) -> None:
    folder = wnid_folders(tmp_path / "val")
    text = run("check", f"classification:{folder}")[1]
    assert "names         tench (n01440764), goldfish (n01443537)" in text
    told = json.loads(run("check", f"classification:{folder}", "--format", "json")[1])
    assert told[0]["names"] == ["tench (n01440764)", "goldfish (n01443537)"]


def test_a_copy_without_the_split_is_noted(tmp_path: Path) -> None:
    (tmp_path / "eurosat" / "2750").mkdir(parents=True)
    code, text, _ = run("check", "eurosat", "--data-root", str(tmp_path))
    assert code == 2
    assert "eurosat/2750 holds all 27,000 images and names no test split; put the 5,400" in text


def test_several_tasks_are_a_table_and_the_worst_decides(tmp_path: Path) -> None:
    code, text, _ = run("check", "digits,shapes", "--open", "1")
    assert (code, text.splitlines()[-1]) == (0, "2 tasks: 2 fits")
    code, text, _ = run("check", "digits,imagenet", "--data-root", str(tmp_path))
    assert (code, text.splitlines()[-1]) == (2, "2 tasks: 1 fits, 1 missing")


def test_json_has_every_place_that_was_looked_at(tmp_path: Path) -> None:
    code, text, _ = run("check", "imagenet", "--data-root", str(tmp_path), "--format", "json")
    (found,) = json.loads(text)
    assert (code, found["state"], found["used"]) == (2, "missing", None)
    assert f"{tmp_path}/imagenet" in found["passed_over"][0]["looked"]


def test_a_dry_run_lists_files_and_fetches_nothing(server: HubServer, included: Path) -> None:
    code, text, _ = run("get", "two", "--dry-run", "--include-path", str(included))
    assert code == 0
    assert text.splitlines()[1:] == [
        "                  8  classnames.txt",
        "             20,000  test/0.tar",
        "             20,008  bytes to fetch, of 20,008",
    ]
    assert server.fetched() == []


def test_of_several_tasks_one_that_fails_is_told(server: HubServer, included: Path, tmp_path: Path) -> None:
    (included / "local.yaml").write_text(CARD.replace(", {kind: hub, repo: o/two, layout: webdataset}", ""))
    options = ("--include-path", str(included), "--data-root", str(tmp_path / "data"))
    code, _, said = run("get", "local,two", *options)
    assert code == 2
    first, last = said.splitlines()
    assert first.startswith("vlbench: local: its card names no repository of the hub")
    assert last.startswith(f"two: 2 files, 20,008 bytes, of o/two@{COMMIT[:10]} in {tmp_path}/data/two;")
    assert (tmp_path / "data" / "two" / "test" / "0.tar").stat().st_size == 20_000
    assert run("get", "two", *options)[2] == f"two: all 2 files are in {tmp_path}/data/two\n"


@pytest.mark.slow
def test_a_process_is_quiet_where_nobody_watches_and_imports_no_torch(
    server: HubServer, included: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom vlbench.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n    print('torch' in sys.modules)"
    )
    asked = ["data", "get", "two", "--include-path", str(included)]
    online = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    environment = {**online, "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code, *asked], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "False\n"
    (line,) = done.stderr.splitlines()
    assert line.startswith("two: 2 files, 20,008 bytes")
    offline = subprocess.run(
        [sys.executable, "-m", "vlbench", *asked],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "HF_HUB_OFFLINE": "1"},
    )
    assert (offline.returncode, len(offline.stderr.splitlines())) == (2, 1)
    assert "HF_HUB_OFFLINE is set" in offline.stderr
