import csv
import itertools
import subprocess
import sys
from dataclasses import replace

import pytest

from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement
from vlbench.core.result import Timing
from vlbench.report.results import write_result
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards
from vlbench.report.tables.notes import notes


def test_three_tables_of_two_models_and_two_tasks(make_result):
    digits = {"task": "digits", "protocol": "one", "protocol_digest": "f" * 32}
    texts = leaderboards(
        [
            make_result(model="small"),
            make_result(model="large", acc1=0.9),
            make_result(model="large", acc1=1 / 3, **digits),
        ]
    )
    assert texts["leaderboard.csv"] == (
        "model,digits,shapes,mean,family,parameters,gflops,image_size,licence,zero_shot\n"
        "large,0.333333,0.900000,0.616667,openai,151.28,,224,MIT,yes\n"
        "small,,0.500000,,openai,151.28,,224,MIT,yes\n"
    )
    facts = f",200,4,held-out,{'d' * 32},fp32,exact,{'m' * 32},yes,151.28,,224,MIT"
    assert texts["shapes.csv"] == (
        "model,acc1,acc5,rank,n_images,n_texts,protocol,protocol_digest,precision,preprocess,model_digest,"
        "zero_shot,parameters,gflops,image_size,licence\n"
        f"large,0.900000,0.750000,{facts}\n"
        f"small,0.500000,0.750000,{facts}\n"
    )
    lines = texts["all.csv"].splitlines()
    assert lines[0].startswith("model,task,protocol,metric,value,ci_low,ci_high,n,")
    assert [line.split(",")[:8] for line in lines[1:]] == [
        ["large", "digits", "one", "acc5", "0.750000", "0.700000", "0.800000", "200"],
        ["large", "digits", "one", "acc1", "0.333333", "", "", "200"],
        ["large", "shapes", "held-out", "acc5", "0.750000", "0.700000", "0.800000", "200"],
        ["large", "shapes", "held-out", "acc1", "0.900000", "", "", "200"],
        ["small", "shapes", "held-out", "acc5", "0.750000", "0.700000", "0.800000", "200"],
        ["small", "shapes", "held-out", "acc1", "0.500000", "0.400000", "0.600000", "200"],
    ]
    assert sorted(texts) == ["all.csv", "costs.csv", "digits.csv", "leaderboard.csv", "shapes.csv"]


def test_the_order_of_runs_and_their_times_change_no_byte(make_result):
    results = [make_result(model=model, task=task) for model in "ba" for task in ("t", "s")]
    tables = {tuple(sorted(leaderboards(order).items())) for order in itertools.permutations(results)}
    assert len(tables) == 1
    assert "\r" not in "".join(text for _, text in tables.pop())


def test_what_depends_on_the_machine_is_in_the_costs_alone(make_result):
    timing = Timing(9.25, 8.25, 7.25, 6.25, 99991, 99992, 99993.0, 99994, 99995, 99996)
    settings = {"device": "cuda:7", "device_name": "H200", "batch_size": 99997, "text_batch_size": 99998}
    here = make_result(task="own:test@12ab34", source="folder:/home/me/photos/test")
    there = replace(here, source="folder:/mnt/d/test", timing=timing, settings=here.settings | settings)
    texts, others = (dict(leaderboards([each])) for each in (here, there))
    costs = others.pop("costs.csv")
    assert texts.pop("costs.csv") != costs
    assert texts == others
    told = [*settings.values(), "99991,99992,99994,99995,99996", "9.250000,8.250000,7.250000,6.250000"]
    assert all(str(each) in costs for each in told)


def test_a_partial_result_is_in_no_table(make_result):
    texts = leaderboards([make_result(), make_result(model="quick", partial="first 50 images")])
    assert "quick" not in "".join(texts.values())


def test_what_was_not_measured_is_empty_and_has_no_mean(make_result):
    texts = leaderboards([make_result(acc1=None)])
    assert texts["leaderboard.csv"].splitlines()[1].startswith("small,,,openai,")


def test_every_metric_stands_beside_its_chance_and_constant(make_result):
    measured = Measurement(0.5, 200, metric="acc1", chance=1 / 64)
    (line,) = csv.DictReader(leaderboards([make_result(metrics=(measured,))])["all.csv"].splitlines())
    assert (line["chance"], line["constant"], line["primary"]) == ("0.015625", "", "acc1")


def test_zero_has_no_sign(make_result):
    assert "small,0.000000,0.000000," in leaderboards([make_result(acc1=-1e-9)])["leaderboard.csv"]


def test_a_column_holds_the_digest_that_most_results_share(make_result):
    results = [
        make_result(model="a", protocol_digest="2" * 32),
        make_result(model="b", protocol_digest="1" * 32),
        make_result(model="c", protocol_digest="2" * 32),
    ]
    texts = leaderboards(results)
    assert [line.split(",")[0] for line in texts["leaderboard.csv"].splitlines()] == ["model", "a", "c"]
    assert [line.split(",")[0] for line in texts["shapes.csv"].splitlines()] == ["model", "a", "c"]
    assert "b,shapes" in texts["all.csv"]
    (note,) = notes(results)
    assert note.startswith("shapes: left out of the ranking: b (11111111), of another protocol than 22222222")


def test_results_on_other_data_are_left_out_and_what_differs_is_named(make_result):
    labels = [{"image_ids": "1", "truth": truth} for truth in ("1", "1", "2")]
    digests = [*labels, {"image_ids": "2", "truth": "3"}, {"image_ids": "1"}]
    results = [make_result(model=model, digests=each) for model, each in zip("abcde", digests, strict=True)]
    texts = leaderboards(results)
    assert [line.split(",")[0] for line in texts["leaderboard.csv"].splitlines()] == ["model", "a", "b", "e"]
    assert [note.partition(";")[0] for note in notes(results)] == [
        "shapes: left out of the ranking: c, of other right answers than a",
        "shapes: left out of the ranking: d, of other image ids and right answers than a",
        "shapes: right answers are not told by results of an earlier version: e",
    ]


def test_other_files_of_equal_ids_and_labels_are_left_out(make_result):
    revisions = {"a": "1", "b": "2", "c": "sha256:1", "d": "1"}
    results = [make_result(model=model, source_revision=each) for model, each in revisions.items()]
    assert [note.partition(";")[0] for note in notes(results)] == [
        "shapes: left out of the ranking: b, of other files than a"
    ]
    commits = [make_result(model=model, source_revision=model * 40) for model in "ab"]
    copies = [make_result(model=model, source=model, source_revision=model) for model in "ab"]
    assert notes(commits) == notes(copies) == ()


def test_a_folder_of_this_machine_is_named_by_its_last_part(make_result):
    own = make_result(task="classification:test@12ab34", source="folder:/home/me/photos/test")
    assert ",folder:test," in leaderboards([own])["all.csv"]
    assert "/home/me" not in leaderboards([own])["all.csv"]
    assert ",hub:org/name," in leaderboards([make_result(source="hub:org/name")])["all.csv"]


def test_of_equally_common_digests_the_smallest_wins(make_result):
    results = [make_result(model=m, protocol_digest=d * 32) for m, d in [("a", "2"), ("b", "1")]]
    (line,) = leaderboards(results)["leaderboard.csv"].splitlines()[1:]
    assert line.startswith("b,0.500000,0.500000,")
    assert "a (22222222)" in notes(results)[0]


def test_one_protocol_or_a_partial_run_of_another_is_worth_no_note(make_result):
    assert notes([make_result(), make_result(partial="limit", protocol_digest="e" * 32)]) == ()


def test_metrics_that_one_model_lacks_are_empty(make_result):
    extra = (Measurement(0.25, 4, metric="acc1"), Measurement(1.0, 4, metric="f1"))
    lines = leaderboards([make_result(model="a"), make_result(model="b", metrics=extra)])["shapes.csv"]
    head, a, b = (line.split(",")[:4] for line in lines.splitlines())
    assert head == ["model", "acc1", "acc5", "f1"]
    assert a == ["a", "0.500000", "0.750000", ""]
    assert b == ["b", "0.250000", "", "1.000000"]


@pytest.mark.parametrize("name", ["all", "costs", "leaderboard"])
def test_a_task_named_as_a_table_is_refused(make_result, name):
    with pytest.raises(DataError, match="rename its card"):
        leaderboards([make_result(task=name)])


def test_rebuilding_writes_what_the_check_accepts(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    assert stale_leaderboards(tmp_path) == ("all.csv", "costs.csv", "leaderboard.csv", "shapes.csv")
    assert write_leaderboards(tmp_path) == (make_result(),)
    assert stale_leaderboards(tmp_path) == ()


def test_edited_missing_and_orphaned_tables_are_stale_and_mended(make_result, tmp_path):
    gone = write_result(make_result(task="old"), tmp_path)
    write_result(make_result(), tmp_path)
    write_leaderboards(tmp_path)
    (tmp_path / "own.csv").write_text("model,mine\nsmall,1\n")
    assert stale_leaderboards(tmp_path) == ()
    gone.unlink()
    with (tmp_path / "shapes.csv").open("a") as file:
        file.write("fake,1\n")
    (tmp_path / "all.csv").unlink()
    assert stale_leaderboards(tmp_path) == (
        "all.csv",
        "costs.csv",
        "leaderboard.csv",
        "old.csv",
        "shapes.csv",
    )
    write_leaderboards(tmp_path)
    assert stale_leaderboards(tmp_path) == ()
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == [
        *("all.csv", "costs.csv", "leaderboard.csv", "own.csv", "shapes.csv")
    ]


def test_a_table_of_version_0_1_whose_results_are_gone_goes(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    write_leaderboards(tmp_path)
    head, row = (tmp_path / "shapes.csv").read_text().splitlines()
    old = (
        head.replace("image_size,licence", "image_size,images_per_second,licence"),
        row.replace(",MIT", ",9.5,MIT"),
    )
    (tmp_path / "gone.csv").write_text("\n".join([*old, ""]))
    assert stale_leaderboards(tmp_path) == ("gone.csv",)
    write_leaderboards(tmp_path)
    assert not (tmp_path / "gone.csv").exists()


def test_a_rebuild_leaves_unchanged_tables_untouched(make_result, tmp_path):
    write_result(make_result(), tmp_path)
    write_leaderboards(tmp_path)
    before = (tmp_path / "shapes.csv").stat().st_ino
    write_leaderboards(tmp_path)
    assert (tmp_path / "shapes.csv").stat().st_ino == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="absent: no such results folder"):
        write_leaderboards(tmp_path / "absent")


def test_tables_need_neither_pandas_nor_numpy():
    code = (
        "import sys, vlbench.report.tables.leaderboard, vlbench.report.tables.summary;"
        "print({'pandas', 'numpy', 'torch'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("task", ["model", "mean", "mean_rank", "family", "all_five"])
def test_a_task_of_another_columns_name_is_refused(make_result, task):
    additions = Additions(collections={"all_five": ("shapes",)})
    with pytest.raises(DataError, match=f"a task named '{task}'"):
        leaderboards([make_result(task=task)], additions)
