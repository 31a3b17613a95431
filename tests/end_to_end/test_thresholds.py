"""Thresholds of tags, stated or learned by a method: whole processes, real files, no network."""

import json

import pytest
from child_command import light, vlbench
from PIL import Image


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thresholds")

    def command(*more, expect=0, task="shapes-tags", call=vlbench):
        where = ["--cache", folder / "cache", "--results", folder / "results", "--device", "cpu"]
        asked = ["run", "--model", "tiny-clip", "--task", task, "--limit", "60", *where, *more]
        return call(*asked, expect=expect)

    command.folder = folder
    return command


def result(run, task="shapes-tags", row="tiny-clip+best-f1"):
    return json.loads((run.folder / "results" / task / f"{row}.partial.json").read_text())


def test_learned_thresholds_are_a_row_of_the_task_and_a_rerun_imports_nothing_heavy(run):
    run("--method", "best-f1")
    first = result(run)
    assert (first["model"], first["task"]) == ("tiny-clip+best-f1", "shapes-tags")
    assert (first["method"], first["zero_shot"], first["seen_images"]) == ("best-f1", "no", 0)
    assert len(first["thresholds"]) == first["n_texts"] == 16
    assert set(first["thresholds"]) != {first["thresholds"][0]}
    assert {"method", "validation_image_ids", "validation_images"} < first["digests"].keys()
    values = {metric["metric"]: metric["value"] for metric in first["metrics"]}
    assert {"macro_precision", "macro_recall", "macro_f1", "micro_f1"} < values.keys()
    assert 0.7 < values["macro_f1"] < 1
    run("--method", "best-f1", call=light)
    assert result(run) == first
    # the question is the task's own, so that both rows stand in its column
    run()
    alone = result(run, row="tiny-clip")
    assert alone["protocol_digest"] == first["protocol_digest"]
    assert (alone["method"], alone["thresholds"]) == ("", [])
    assert not {"method", "validation_image_ids"} & alone["digests"].keys()


def test_learned_thresholds_given_back_as_a_file_measure_the_same(run):
    run("--method", "best-f1")
    chosen = result(run)
    file = run.folder / "thresholds.txt"
    file.write_text("".join(f"{each}\n" for each in chosen["thresholds"]))
    # the scores are stored, so that no model is loaded for other thresholds
    run("--thresholds", file, call=light)
    (folder,) = (run.folder / "results").glob("shapes-tags+thresholds@*")
    stated = result(run, folder.name, "tiny-clip")
    assert stated["metrics"] == chosen["metrics"]
    assert stated["thresholds"] == chosen["thresholds"]


def test_a_method_is_refused_where_it_cannot_work_and_nothing_is_loaded(run):
    done = run("--method", "best-f1", task="shapes,digits", expect=2, call=light)
    lines = [each for each in done.stderr.splitlines() if each.startswith("vlbench: ")]
    for task, line in zip(("shapes", "digits"), lines, strict=True):
        assert f"{task}: best-f1 measures macro_precision, which reads scores, and classification" in line


def test_a_request_runs_what_a_method_can_do_and_refuses_the_rest(run):
    done = run("--method", "best-f1", task="shapes,shapes-tags", expect=1)
    assert "tiny-clip+best-f1 on shapes-tags: done" in done.stderr
    assert "refused: tiny-clip on shapes: shapes: best-f1 measures" in done.stderr
    assert not (run.folder / "results" / "shapes").exists()


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


def write_split(folder, part, name, *, shared=0):
    """Four images under names of their own; so many of a validation split are test images."""
    (folder / part).mkdir(parents=True, exist_ok=True)
    lines = []
    for number, colour in enumerate(("red", "blue", "red", "blue")):
        size = (16, 16 + number) if number < shared or part == "test" else (20, 16 + number)
        Image.new("RGB", size, colour).save(folder / part / name.format(number))
        lines.append(json.dumps({"file_name": name.format(number), "tags": [colour]}))
    (folder / part / "metadata.jsonl").write_text("\n".join(lines) + "\n")


def write_card(folder, text=CARD):
    (folder / "names.tsv").write_text("name\tn\nred\t\nblue\t\n")
    (folder / "own.yaml").write_text(text)
    return ["--method", "best-f1", "--include-path", folder, "--data-root", folder]


def test_other_validation_images_do_not_replace_a_row(run):
    folder = run.folder / "other"
    write_split(folder, "test", "{}.png")
    write_split(folder, "val", "v_{}.png")
    asked = [*write_card(folder), "--results", run.folder / "others"]
    run(*asked, task="own")
    run(*asked, task="own")
    write_split(folder, "val", "w_{}.png")
    done = run(*asked, task="own", expect=2)
    assert "tiny-clip+best-f1.json was measured on other data: its validation images differ" in done.stderr
    done = run(*asked, "--missing", task="own", expect=2)
    assert "its validation images differ" in done.stderr


def test_a_card_without_a_validation_split_is_refused_in_a_line(run):
    folder = run.folder / "none"
    write_split(folder, "test", "{}.png")
    head, tail = CARD.split("validation:")
    asked = write_card(folder, f"{head}metrics:{tail.split('metrics:')[1]}")
    done = run(*asked, task="own", expect=2, call=light)
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("vlbench: ")]
    assert line.startswith(
        "vlbench: own: best-f1 learns from a validation split, and no card of it names one;"
    )


def test_thresholds_of_test_images_are_refused_or_counted(run):
    folder = run.folder / "own"
    write_split(folder, "test", "{}.png")
    write_split(folder, "val", "v_{}.png", shared=2)
    asked = write_card(folder)
    done = run(*asked, task="own", expect=2)
    assert "own: 2 of 4 validation images are test images (v_0.png ...)" in done.stderr
    done = run(*asked, "--allow-seen-images", task="own")
    assert "2 of 4 test images are among those that it learned from: no zero-shot result" in done.stderr
    found = json.loads((run.folder / "results" / "own" / "tiny-clip+best-f1.json").read_text())
    assert (found["zero_shot"], found["seen_images"]) == ("no", 2)
    assert "validation_images" in found["digests"]


@pytest.mark.parametrize(
    ("task", "asked", "told"),
    [
        ("shapes", "0.2", "shapes: classification has no thresholds; leave --thresholds out"),
        ("shapes-tags", "best-f1", "best-f1 is a method, which learns thresholds: pass --method best-f1"),
        ("shapes-tags", "none.tsv", "none.tsv: no such file; correct the name"),
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


def test_thresholds_that_are_stated_and_learned_are_refused(run):
    done = run("--thresholds", "0.2", "--method", "best-f1", expect=2, call=light)
    (line,) = [each for each in done.stderr.splitlines() if each.startswith("vlbench: ")]
    assert line.endswith("its thresholds are stated, and best-f1 learns them; leave one out")
