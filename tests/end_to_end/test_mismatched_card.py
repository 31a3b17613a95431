"""A card whose metric reads what its task does not keep is refused before anything is loaded or opened."""

import subprocess
import sys
from pathlib import Path

import pytest

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
LOADED = """
import sys
from vlbench.cli.main import main
try:
    main()
finally:
    print("loaded", *sorted({"torch", "PIL.Image"} & set(sys.modules)))
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "inc" / "tasks").mkdir(parents=True)
    for kind, name in (("names", "shapes-tags.tsv"), ("templates", "shapes-tags.txt")):
        copy = tmp_path / "inc" / "tasks" / name
        copy.write_bytes((TASKS / kind / name).read_bytes())
    card = MISMATCH.format(names="shapes-tags.tsv", templates="shapes-tags.txt")
    (tmp_path / "inc" / "tasks" / "mis-tags.yaml").write_text(card, encoding="utf-8")

    def run(tasks):
        where = ["--include-path", "inc", "--cache", "c", "--results", "r", "--limit", "40"]
        return subprocess.run(
            [sys.executable, "-c", LOADED, "run", "-m", "tiny-clip", "-t", tasks, *where],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_alone_it_is_refused_with_nothing_loaded(run, tmp_path):
    done = run("mis-tags")
    assert done.returncode == 2, done.stderr
    assert done.stdout == "loaded\n"
    assert REFUSED in done.stderr
    assert not (tmp_path / "c" / "features").exists()


def test_the_other_pairs_of_the_request_run_and_the_exit_code_says_that_not_all_did(run, tmp_path):
    done = run("mis-tags,shapes")
    assert done.returncode == 1, done.stderr
    assert REFUSED in done.stderr
    assert "tiny-clip on shapes: done" in done.stderr
    assert [path.name for path in (tmp_path / "r").glob("*/*.json")] == ["tiny-clip.partial.json"]
