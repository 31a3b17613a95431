"""Cards, and the files of names, templates, thresholds and descriptions that a user writes."""

import json
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from fuzz.command import command_line
from fuzz.harness import OUT, Case, Input
from fuzz.watch import CHECKOUT
from torchvision_folders import picture, text

from vlbench import load_task

TASK = """\
title: Made of two colours
kind: classification
protocol: made
aliases: [two, zwei]
data: [made-data]
names: names.tsv
templates: templates.txt
sources:
- {kind: folder, path: data, labels: names}
- {kind: jsonl, path: elsewhere}
train:
  sources:
  - {kind: folder, path: data}
  images: 2
expect: {images: 2, texts: 2}
metrics: [acc1, acc5, mean_per_class_recall]
primary: acc1
split: test
licence: CC0
about: >-
  Two images.
paper: {title: Colours, arxiv: "2109.01134"}
"""
MODEL = """\
title: a copy of the offline default
adapter: clip
settings: {directory: tiny-clip}
family: made
aliases: [copy]
about: Made.
licence: Apache-2.0
parameters: 1.32
image_size: 64
gflops: 0.021
trained_on: [shapes-scenes, drawn-digits]
paper: {title: Made, url: "http://example.org"}
published:
- {task: digits, protocol: digits-3-templates, metric: acc1, value: 0.8, source: Made, verified: true}
"""
COLLECTION = """\
title: Two of them
tasks: [made, digits]
metrics: {digits: acc5}
weights: {made: 2, digits: 1}
about: Made.
"""


def task_card(root: Path) -> None:
    for label, name in enumerate(("red", "blue")):
        picture(root / "data" / name / "1.png", label)
    text(root / "cards" / "names.tsv", "name\twnid", "red\tn1", "blue\tn2")
    text(root / "cards" / "templates.txt", "a {} square.", "{}")
    (root / "cards" / "made.yaml").write_text(TASK)


def model_card(root: Path) -> None:
    shutil.copytree(CHECKOUT / "model_cards" / "tiny-clip", root / "cards" / "tiny-clip")
    (root / "cards" / "mine.yaml").write_text(MODEL)


def collection_card(root: Path) -> None:
    task_card(root)
    (root / "cards" / "collections").mkdir()
    (root / "cards" / "collections" / "pair.yaml").write_text(COLLECTION)


def task_door(case: Case) -> None:
    """Look at a task in one of the ways there are."""
    cards = ("--include-path", case / "cards")
    what = case.rng.random()
    if what < 0.5:
        command_line("data", "check", "made", *cards, "--data-root", case.folder)
    elif what < 0.7:
        command_line("show", "made", *cards, *case.rng.choice(((), ("--json",))))
    elif what < 0.85:
        command_line("list", "tasks", *cards, *case.rng.choice(((), ("--json",))))
    else:
        places = ("--data-root", case.folder, "--results", case / OUT / "results")
        command_line("run", "-m", "tiny-clip", "-t", "made", *cards, *places, "--device", "cpu")


def model_door(case: Case) -> None:
    """Look at a model in one of the ways there are."""
    cards = ("--include-path", case / "cards")
    what = case.rng.random()
    if what < 0.5:
        command_line("show", "mine", *cards, *case.rng.choice(((), ("--json",))))
    elif what < 0.7:
        command_line("list", "models", *cards, *case.rng.choice(((), ("--json",))))
    else:
        places = ("--results", case / OUT / "results", "--device", "cpu")
        command_line("run", "-m", "mine", "-t", "digits", "--limit", 4, *cards, *places)


def collection_door(case: Case) -> None:
    """Look at a collection in one of the ways there are."""
    cards = ("--include-path", case / "cards")
    if case.rng.random() < 0.5:
        command_line("show", "pair", *cards)
    else:
        command_line("list", "collections", *cards)


def tagged(root: Path) -> None:
    text(root / "names.txt", "red", "dot", "blue line")
    for number, tags in enumerate((["red", "dot"], ["blue line"])):
        picture(root / f"{number}.png", number)
        with (root / "metadata.jsonl").open("a") as file:
            file.write(json.dumps({"file_name": f"{number}.png", "label": tags[0], "tags": tags}) + "\n")


def user_file(name: str, content: str, root: Path) -> None:
    """A folder of images with tags and labels, and the user's file."""
    (root / "data").mkdir()
    tagged(root / "data")
    (root / name).write_text(content)


def user_door(option: str, kind: str, name: str, case: Case) -> None:
    """Read a user's file for a task; now and then a model is asked with it."""
    task = f"{kind}:{case / 'data'}"
    if case.rng.random() < 0.85:
        # the options have their own types: one name is what differs here
        load_task(task, cache=case.cache, **{option: case / name})  # type: ignore[arg-type]
    else:
        places = ("--results", case / OUT / "results", "--cache", case.cache, "--device", "cpu")
        command_line("run", "-m", "tiny-clip", "-t", task, f"--{option}", case / name, *places)


SENTENCES = {"red": ["a red thing.", "it is red"], "dot": ["a dot"], "blue line": ["blue", "a line"]}
USER_FILES: Mapping[str, tuple[str, str, str, str]] = {
    "templates, txt": ("templates", "classification", "t.txt", "a photo of a {}.\nthe {}\n"),
    "templates, json": ("templates", "classification", "t.json", json.dumps({"made": ["a {c}.", "the {c}"]})),
    "class names, txt": ("classnames", "tagging", "c.txt", "red\ndot\nblue line\n"),
    "class names, tsv": ("classnames", "tagging", "c.tsv", "name\twnid\nred\tn1\ndot\tn2\nblue line\tn3\n"),
    "thresholds, json": (
        "thresholds",
        "tagging",
        "t.json",
        json.dumps({"red": 0.2, "dot": 0.3, "blue line": 1}),
    ),
    "thresholds, tsv": (
        "thresholds",
        "tagging",
        "t.tsv",
        "name\tthreshold\nred\t0.1\ndot\t0.2\nblue line\t1\n",
    ),
    "thresholds, txt": ("thresholds", "tagging", "t.txt", "0.1\n0.2\n1\n"),
    "descriptions": ("descriptions", "tagging", "d.json", json.dumps(SENTENCES)),
}


def of_user(what: str) -> Input:
    """A file that an option of `run` names."""
    option, kind, name, content = USER_FILES[what]
    corpus: Callable[[Path], None] = partial(user_file, name, content)
    return Input(what, corpus, (name,), partial(user_door, option, kind, name), share=10)


INPUTS = [
    Input("task card", task_card, ("cards/*.yaml", "cards/*.tsv", "cards/*.txt"), task_door, share=15),
    Input("task card alone", task_card, ("cards/*.yaml",), task_door, share=15, rename=True),
    Input("model card", model_card, ("cards/*.yaml",), model_door, share=12),
    Input("collection", collection_card, ("cards/collections/*.yaml",), collection_door, share=6),
    *map(of_user, USER_FILES),
]
