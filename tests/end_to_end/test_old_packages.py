"""Packages written for version 0.1: read, or refused in one line that says what changed."""

import json

import pytest
from child_command import vlbench

CARD = """\
title: Toys
kind: {kind}
protocol: bare-name
sources: [{{kind: {source}}}]
names: toys.tsv
metrics: [{metric}]
primary: {metric}
"""
KIND = """\
import numpy as np

{imports}
from vlbench.core.metric_name import metrics_of
from vlbench.core.protocol import state_protocol
from vlbench.core.relevance import Relevance


def old_kind(request):
    shape = len(request.source), len(request.names)
    relevant = Relevance.from_pairs(np.arange(2), np.arange(2), shape)
    protocol = state_protocol(request, kind="old_kind", texts=request.names, templates=(), primary="acc1")
    problem = {problem}
    return Task(request.name, "old_kind", protocol, problem, {scoring}, {metrics}, "acc1")
"""
NEW = """
from vlbench.core.problem import Problem, by_words
from vlbench.core.registry import SCORINGS
from vlbench.core.task import Task
"""
ASKED = "Problem(request.source, by_words(request.names), relevant)"
KINDS = {
    "imports": (
        {"imports": "from vlbench.core.contracts import Problem, Task"},
        "task kind 'old_kind' of distribution old-toys (old_toys_kind:old_kind) does not import: Problem of "
        "vlbench.core.contracts is in vlbench.core.problem, and has candidates=images",
    ),
    "task": (
        {"imports": "from vlbench.core.contracts import Task, TaskRequest"},
        "does not import: Task of vlbench.core.contracts is in vlbench.core.task; a Task's `scoring` is",
    ),
    "tuning": (
        {"imports": "from vlbench.core.contracts import Tuning"},
        "Tuning of vlbench.core.contracts is gone: what learns from another split is a Method of",
    ),
    "images": (
        {
            "imports": "from vlbench import SCORINGS, Problem, Task",
            "problem": "Problem(images=request.source, texts=request.names, relevant=relevant)",
        },
        "a Problem of images and texts, as in version 0.1; write candidates=images, queries=by_words(texts)",
    ),
    "places": (
        {"problem": "Problem(request.source, request.names, relevant, None)"},
        "a Problem of images and texts, as in version 0.1; write candidates=images, queries=by_words(texts)",
    ),
    "scoring": (
        {"scoring": "'row_ranks'"},
        "task kind 'old_kind' of distribution old-toys: its scoring is 'row_ranks', as in version 0.1, and "
        "has to be a Scoring; SCORINGS of vlbench.core.registry",
    ),
    "metric": (
        {"metrics": "{'acc1': len}"},
        "task kind 'old_kind' of distribution old-toys: its metric acc1 is <built-in function len>, as in "
        "version 0.1, and has to be a Metric; METRICS of vlbench.core.registry",
    ),
}
METRIC = """\
from vlbench.core.measurement import Measurement


def old_metric(prediction, problem, options):
    return Measurement(1.0, n=2)
"""
SOURCE = """\
from functools import partial

from PIL import Image
from vlbench import Example, Source, Target
from vlbench.core.contracts import Offers


def old_source(place, /):
    return Two()


class Two(Source):
    @property
    def name(self):
        return "two"

    @property
    def revision(self):
        return "1"

    @property
    def offers(self):
        return Offers()

    def __len__(self):
        return 2

    def __getitem__(self, index):
        colour = ("red", "blue")[index]
        return Example(f"{index}.png", partial(Image.new, "RGB", (64, 64), colour), self.target(index))

    def target(self, index):
        return Target(label=index)

    def fingerprint(self, index):
        return f"two {index}"
"""


@pytest.fixture
def run(tmp_path):
    """Installs a package of one module, and runs vlbench on a task that names what is in it."""

    def run(group, module, text, *, kind="classification", source="old_source", metric="acc1"):
        info = tmp_path / "old_toys-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: old-toys\nVersion: 1.0\n")
        (tmp_path / "old_toys_source.py").write_text(SOURCE)
        (tmp_path / f"{module}.py").write_text(text)
        points = {"vlbench.sources": "old_source = old_toys_source:old_source"}
        points.setdefault(group, f"{module.replace('_toys', '')} = {module}:{module.replace('_toys', '')}")
        (info / "entry_points.txt").write_text(
            "\n".join(f"[{name}]\n{point}" for name, point in points.items())
        )
        cards = tmp_path / "cards" / "tasks"
        cards.mkdir(parents=True)
        (cards / "toys.yaml").write_text(CARD.format(kind=kind, source=source, metric=metric))
        (cards / "toys.tsv").write_text("name\nred circle\nblue square\n")
        asked = ["-m", "tiny-clip", "-t", "toys", "--include-path", "cards", "--results", "r", "--cache", "c"]
        return vlbench("run", *asked, folder=tmp_path, expect=None)

    return run


def kind(**changed):
    parts = {
        "imports": NEW,
        "problem": ASKED,
        "scoring": "SCORINGS.get('row_ranks')",
        "metrics": "metrics_of(['acc1'])",
    }
    return KIND.format(**{**parts, **changed})


def refusal(done):
    """The one line of an error."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("case", KINDS)
def test_a_task_kind_is_refused_with_what_changed(run, case):
    changed, said = KINDS[case]
    assert said in refusal(run("vlbench.task_kinds", "old_toys_kind", kind(**changed), kind="old_kind"))


def test_a_task_kind_that_was_mended_so_runs(run):
    done = run("vlbench.task_kinds", "old_toys_kind", kind(), kind="old_kind")
    assert done.returncode == 0, done.stderr


def test_a_metric_is_refused_with_what_changed(run):
    line = refusal(run("vlbench.metrics", "old_toys_metric", METRIC, metric="old_metric"))
    assert "metric 'old_metric' of distribution old-toys is of type function, and has to be a Metric" in line
    assert '@metric(reads={"row_ranks"}, lower_is_better=False)' in line
    assert 'prediction["row_ranks"] for prediction.row_ranks' in line


def test_a_source_is_read(run, tmp_path):
    done = run("vlbench.sources", "old_toys_source", SOURCE)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r" / "toys" / "tiny-clip.json").read_text(encoding="utf-8"))
    assert (result["n_images"], result["source"]) == (2, "two")
