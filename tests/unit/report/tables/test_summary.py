from dataclasses import replace

from vlbench.core.measurement import Measurement
from vlbench.report.tables.summary import summary_table


def test_a_run_shows_value_interval_images_and_speed(make_result):
    head, _, row = summary_table([make_result()]).splitlines()
    measured = ["model", "task", "metric", "value", "[95", "%", "interval]"]
    assert head.split() == [*measured, "chance", "constant", "images", "images/s"]
    assert row.split() == ["small", "shapes", "acc1", "0.500", "[0.400,", "0.600]", "200", "100"]


def test_a_score_stands_beside_chance_and_the_best_constant_answer(make_result):
    measured = Measurement(0.5, 200, 0.4, 0.6, metric="acc1", chance=1 / 64, constant=0.0)
    (head, _, row) = summary_table([make_result(metrics=(measured,))]).splitlines()
    assert row.split()[6:] == ["0.016", "0.000", "200", "100"]
    assert len(head) <= 80


def test_partial_results_carry_a_star_and_the_reason(make_result):
    lines = summary_table([make_result(), make_result(model="b", partial="first 50 images")]).splitlines()
    assert lines[2].split()[1] == "shapes"
    assert lines[3].split()[1] == "shapes*"
    assert lines[4:] == ["* partial: shapes: first 50 images"]


def test_what_was_not_measured_is_a_dash(make_result):
    stored = replace(make_result().timing, images_per_second=None)
    row = summary_table([make_result(acc1=None, timing=stored)]).splitlines()[2]
    assert row.split() == ["small", "shapes", "acc1", "-", "200", "-"]


def test_no_name_is_broken_and_what_a_terminal_has_no_room_for_is_below(make_result):
    model, task = (
        "open_clip:ViT-SO400M-14-SigLIP-384/webli@0123456789abcdef",
        "classification:/data/my/own/images",
    )
    results = [make_result(model=model, task=task)]
    (_, _, row) = summary_table(results).splitlines()
    assert row.split() == [model, task, "acc1", "0.500", "[0.400,", "0.600]", "200", "100"]
    parts = [part.splitlines() for part in summary_table(results, 120).split("\n\n")]
    heads = [head.split()[2:] for head, _, _ in parts]
    assert heads == [
        ["metric"],
        ["value", "[95", "%", "interval]"],
        ["chance", "constant", "images"],
        ["images/s"],
    ]
    assert all(row.startswith(f"{model}  {task}  ") for _, _, row in parts)
    # no room for more than names
    assert summary_table(results, 80) == summary_table(results)


def test_no_results_make_an_empty_table():
    assert summary_table([]).splitlines()[0].split()[0] == "model"


def seeds(make_result, *scores, **changes):
    return [
        make_result(model=f"coop-seed{n}", replicate_of="coop", acc1=acc1, **changes)
        for n, acc1 in enumerate(scores, start=1)
    ]


def test_a_run_of_several_seeds_ends_with_their_mean(make_result):
    partial = seeds(make_result, 0.1, 0.2, task="digits", partial="limit 5")
    table = summary_table([make_result(), *seeds(make_result, 0.867, 0.875), *partial])
    row = table.splitlines()[7]
    assert row.split() == ["coop", "shapes", "acc1", "0.871", "±", "0.006", "(2", "seeds)", "200", "-"]
    assert table.count("±") == 1
