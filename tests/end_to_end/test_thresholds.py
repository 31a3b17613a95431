"""Thresholds of tags as a user asks for them: whole processes, real files, no network."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

HEAVY = """
import sys
from vlbench.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("heavy:", *sorted({"torch", "scipy", "pandas", "sklearn", "datasets"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thresholds")

    def command(*more, expect=0, task="shapes-tags"):
        where = ["--cache", folder / "cache", "--results", folder / "results", "--device", "cpu"]
        asked = ["run", "--model", "tiny-clip", "--task", task, "--limit", "60", *where, *more]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VLBENCH_")}
        environment["OMP_WAIT_POLICY"] = "passive"
        done = subprocess.run(
            [sys.executable, "-c", HEAVY, *map(str, asked)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    command.folder = folder
    return command


def result(run, task):
    return json.loads((run.folder / "results" / task / "tiny-clip.partial.json").read_text())


def test_chosen_thresholds_are_recorded_and_a_rerun_imports_nothing_heavy(run):
    run("--thresholds", "best-f1")
    first = result(run, "shapes-tags+best-f1")
    assert len(first["thresholds"]) == first["n_texts"] == 16
    assert set(first["thresholds"]) != {first["thresholds"][0]}
    assert first["protocol_statement"]["thresholds"]["images"] == 60
    values = {metric["metric"]: metric["value"] for metric in first["metrics"]}
    assert {"macro_precision", "macro_recall", "macro_f1", "micro_f1"} < values.keys()
    assert 0.7 < values["macro_f1"] < 1
    assert run("--thresholds", "best-f1").stdout.splitlines()[-1] == "heavy:"
    assert result(run, "shapes-tags+best-f1") == first


def test_chosen_thresholds_given_back_as_a_file_measure_the_same(run):
    run("--thresholds", "best-f1")
    chosen = result(run, "shapes-tags+best-f1")
    file = run.folder / "thresholds.txt"
    file.write_text("".join(f"{each}\n" for each in chosen["thresholds"]))
    # the scores are stored, so that no model is loaded for other thresholds
    assert run("--thresholds", file).stdout.splitlines()[-1] == "heavy:"
    (folder,) = (run.folder / "results").glob("shapes-tags+thresholds@*")
    assert result(run, folder.name)["metrics"] == chosen["metrics"]


CARD = """\
title: Own tags
kind: tagging
protocol: own
names: names.tsv
sources:
- {kind: jsonl, path: test}
validation:
  sources:
  - {kind: jsonl, path: val}
metrics: [mean_average_precision]
primary: mean_average_precision
"""


def test_thresholds_of_test_images_are_refused_or_counted(run):
    folder = run.folder / "own"
    for part, name in (("test", "{}.png"), ("val", "v_{}.png")):
        (folder / part).mkdir(parents=True)
        lines = []
        for number, colour in enumerate(("red", "blue", "red", "blue")):
            # the first two images of both parts are the same bytes under other names
            size = (16, 16 + number) if number < 2 or part == "test" else (20, 16 + number)
            Image.new("RGB", size, colour).save(folder / part / name.format(number))
            lines.append(json.dumps({"file_name": name.format(number), "tags": [colour]}))
        (folder / part / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "names.tsv").write_text("name\tn\nred\t\nblue\t\n")
    (folder / "own.yaml").write_text(CARD)
    asked = ["--thresholds", "best-f1", "--include-path", folder, "--data-root", folder]
    done = run(*asked, task="own", expect=2)
    assert "own: 2 of 4 validation images are test images (v_0.png ...)" in done.stderr
    done = run(*asked, "--allow-seen-images", task="own")
    assert "2 of 4 test images are among those that it learned from: no zero-shot result" in done.stderr
    found = json.loads((run.folder / "results" / "own+best-f1" / "tiny-clip.json").read_text())
    assert (found["zero_shot"], found["seen_images"]) == ("no", 2)
    assert "validation_images" in found["digests"]


@pytest.mark.parametrize(
    ("task", "asked", "told"),
    [
        ("shapes", "best-f1", "shapes: classification has no thresholds; leave --thresholds out"),
        ("shapes-tags", "none.tsv", "none.tsv: cannot be read (No such file or directory)"),
        (
            "shapes-tags",
            "1.5",
            "threshold 1.5 of 'red': tiny-clip states a cosine; give a number from -1 to 1",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(run, task, asked, told):
    done = run("--thresholds", asked, task=task, expect=2)
    (line,) = [each for each in done.stderr.splitlines() if "vlbench: " in each]
    assert told in line
