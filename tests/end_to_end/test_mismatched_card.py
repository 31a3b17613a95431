"""A card whose metric reads what its task does not keep is refused before anything is loaded or opened."""

from pathlib import Path

import pytest
from child_command import HEAVY, light, vlbench

TASKS = Path(__file__).parents[2] / "tasks"
MISMATCH = """\
title: mismatch
kind: tagging
protocol: x
names: {names}
templates: {templates}
sources: [{{kind: shapes, question: tags, split: test, count: 40, seed: 0}}]
metrics: [mean_average_precision, acc1]
primary: mean_average_precision
"""
REFUSED = "acc1 reads row_ranks, which mis-tags does not keep (it keeps scores)"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "inc" / "tasks").mkdir(parents=True)
    for kind, name in (("names", "shapes-tags.tsv"), ("templates", "shapes-tags.txt")):
        copy = tmp_path / "inc" / "tasks" / name
        copy.write_bytes((TASKS / kind / name).read_bytes())
    card = MISMATCH.format(names="shapes-tags.tsv", templates="shapes-tags.txt")
    (tmp_path / "inc" / "tasks" / "mis-tags.yaml").write_text(card, encoding="utf-8")

    def run(tasks, call=vlbench, **options):
        where = ["--include-path", "inc", "--cache", "c", "--results", "r", "--limit", "40"]
        return call("run", "-m", "tiny-clip", "-t", tasks, *where, folder=tmp_path, **options)

    return run


def test_alone_it_is_refused_with_nothing_loaded(run, tmp_path):
    done = run("mis-tags", light, expect=2, heavy=HEAVY | {"PIL.Image"})
    assert REFUSED in done.stderr
    assert not (tmp_path / "c" / "features").exists()


def test_the_other_pairs_of_the_request_run_and_the_exit_code_says_that_not_all_did(run, tmp_path):
    done = run("mis-tags,shapes", expect=1)
    assert REFUSED in done.stderr
    assert "tiny-clip on shapes: done" in done.stderr
    assert [path.name for path in (tmp_path / "r").glob("*/*.json")] == ["tiny-clip.partial.json"]
