"""One card name, several data sets: what a user sees who runs models on folders that differ."""

import csv
import json

import pytest
from child_command import vlbench
from PIL import Image

CARD = """\
title: Mine
kind: {kind}
protocol: mine-1
sources: [{{kind: jsonl, path: mine}}]
metrics: [{metric}]
primary: {metric}
expect: {{images: 6, texts: {texts}}}
"""
CLASSES = ("red circle", "blue circle")


def data(root, records):
    """A folder of two colours in turn, with the records' lines in its metadata."""
    folder = root / "mine"
    folder.mkdir(parents=True)
    for number, record in enumerate(records):
        Image.new("RGB", (16, 16), ("red", "blue")[number % 2]).save(folder / record["file_name"])
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    (folder / "metadata.jsonl").write_text(lines)


def labelled(order, first=0):
    names = [CLASSES[(number + order) % 2] for number in range(6)]
    return [{"file_name": f"{first + i}.png", "label": name} for i, name in enumerate(names)]


def captioned(word):
    return [{"file_name": f"{i}.png", "captions": [f"{word} {i}"]} for i in range(6)]


@pytest.fixture
def run(tmp_path):
    def run(model, root, expect=0):
        more = ["--results", tmp_path / "results", "--cache", tmp_path / "cache", "--device", "cpu"]
        folders = ["--include-path", tmp_path / "cards", "--data-root", tmp_path / root]
        return vlbench("run", "-m", model, "-t", "mine", *folders, *more, expect=expect)

    return run


def rows(tmp_path, table):
    with (tmp_path / "results" / table).open() as file:
        return [row["model"] for row in csv.DictReader(file)]


def card(tmp_path, **fields):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "mine.yaml").write_text(CARD.format(**fields))


def test_other_labels_and_other_images_behind_one_card_share_no_column(tmp_path, run):
    card(tmp_path, kind="classification", metric="acc1", texts=2)
    for root, records in (("one", labelled(0)), ("two", labelled(1)), ("three", labelled(0, first=10))):
        data(tmp_path / root, records)
        (tmp_path / root / "mine" / "names.txt").write_text("\n".join(CLASSES) + "\n")
    run("tiny-clip", "one")
    run("tiny-react", "one")
    left_out = "note: mine: left out of the ranking: tiny-coop, of other"
    assert f"{left_out} right answers than tiny-clip; run them again" in run("tiny-coop", "two").stderr
    assert rows(tmp_path, "mine.csv") == ["tiny-clip", "tiny-react"]
    # what was measured is not lost, and says what to do
    refused = run("tiny-coop", "three", expect=2).stderr
    assert "mine/tiny-coop.json was measured on other data: its image ids and right answers differ" in refused
    (tmp_path / "results" / "mine" / "tiny-coop.json").unlink()
    assert f"{left_out} image ids than tiny-clip" in run("tiny-coop", "three").stderr
    assert rows(tmp_path, "leaderboard.csv") == rows(tmp_path, "mine.csv") == ["tiny-clip", "tiny-react"]
    site = tmp_path / "site"
    vlbench("site", "--results", tmp_path / "results", "--out", site)
    for page in ("index.html", "tasks/mine.html"):
        assert "left out of the ranking: tiny-coop, of other image ids" in (site / page).read_text()


def test_other_captions_of_the_same_images_share_no_column(tmp_path, run):
    card(tmp_path, kind="retrieval", metric="image_retrieval_recall@1", texts=6)
    data(tmp_path / "one", captioned("circle"))
    data(tmp_path / "two", captioned("square"))
    run("tiny-clip", "one")
    said = run("tiny-react", "two").stderr
    assert "note: mine: left out of the ranking: " in said
    assert ", of other texts than " in said
    assert len(rows(tmp_path, "mine.csv")) == 1
