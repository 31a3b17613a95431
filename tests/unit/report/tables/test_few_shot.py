import itertools
from dataclasses import replace

import pytest

from vlbench.core.measurement import Measurement
from vlbench.report.results import write_result
from vlbench.report.tables.few_shot import few_shot_text
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards
from vlbench.report.tables.notes import notes

HEAD = "task,metric,model,method,shots,seeds,mean,deviation,low,high,zero_shot\n"


@pytest.fixture
def make_probe(make_result):
    """A result of `model` alone, or by `probe` with so many shots of a seed, a metric between its ends."""

    def make(
        value, *, model="clip", method="probe", shots=None, seed=None, half=0.125, lower=False, **changes
    ):
        marks = f"+{method}" + (f"@{shots}" if shots else "") if method else ""
        if method.partition("~")[2] and shots:
            name, _, others = method.partition("~")
            marks = f"+{name}@{shots}~{others}"
        ends = (None, None) if value is None else (value - half, value + half)
        measured = Measurement(value, 200, *ends, "wilson", metric="score", lower_is_better=lower)
        return make_result(
            **{
                "model": model + marks + ("" if seed is None else f".s{seed}"),
                "replicate_of": "" if seed is None else model + marks,
                "method": marks.removeprefix("+"),
                "digests": {"model": model, "method": marks} if method else {"model": model},
                "settings": {"seed": seed or 0} | ({"shots": shots} if shots else {}),
                "primary": "score",
                "metrics": (measured,),
                "weights": {"w.safetensors": model},
                **changes,
            }
        )

    return make


@pytest.fixture
def results(make_probe):
    """Two models and methods with 1 and 4 shots of up to three seeds; one model has no zero-shot score."""
    return [
        make_probe(0.25, method=""),
        *(make_probe(value, shots=1, seed=seed) for seed, value in enumerate((0.25, 0.375, 0.5))),
        *(make_probe(value, shots=4, seed=seed, half=0.0625) for seed, value in enumerate((0.5, 0.75))),
        make_probe(None, shots=4, seed=2, partial="the first 10 images"),
        make_probe(0.875),
        make_probe(0.5, method="vote~3fa2c1", shots=4, seed=0),
        make_probe(0.625, model="vit", shots=1, seed=0),
        make_probe(0.125, method="thresholds"),
    ]


CSV = HEAD + (
    # deviations -1/8, 0, 1/8: the sample standard deviation is 1/8; of 1/2 and 3/4 the variance is 1/32
    "shapes,score,clip,probe,1,3,0.375000,0.125000,0.250000,0.500000,0.250000\n"
    "shapes,score,clip,probe,4,2,0.625000,0.176777,0.562500,0.687500,0.250000\n"
    "shapes,score,clip,probe,,1,0.875000,,0.750000,1.000000,0.250000\n"
    "shapes,score,clip,vote~3fa2c1,4,1,0.500000,,0.375000,0.625000,0.250000\n"
    "shapes,score,vit,probe,1,1,0.625000,,0.500000,0.750000,\n"
)


def test_curves_are_a_line_a_point_with_seeds_and_images_told_apart(results):
    assert leaderboards(results)["few_shot.csv"] == CSV


def test_the_same_bytes_whatever_the_order_of_results(results):
    orders = itertools.islice(itertools.permutations(results), 0, 20000, 997)
    assert {leaderboards(order)["few_shot.csv"] for order in orders} == {CSV}


def test_without_a_method_that_states_shots_there_is_no_file(make_probe):
    assert "few_shot.csv" not in leaderboards([make_probe(0.25, method=""), make_probe(0.5)])
    assert few_shot_text(()) == ""


def test_a_file_without_results_left_goes_and_a_users_own_stays(results, tmp_path):
    paths = [write_result(each, tmp_path) for each in results]
    assert "few_shot.csv" in stale_leaderboards(tmp_path)
    write_leaderboards(tmp_path)
    assert (tmp_path / "few_shot.csv").read_text() == CSV
    for path in paths[1:]:
        path.unlink()
    assert "few_shot.csv" in stale_leaderboards(tmp_path)
    write_leaderboards(tmp_path)
    assert not (tmp_path / "few_shot.csv").exists()
    (tmp_path / "few_shot.csv").write_text("my,own\n1,2\n")
    assert stale_leaderboards(tmp_path) == ()


def test_what_answers_another_protocol_is_on_no_curve_and_named(results, make_probe):
    other = make_probe(1.0, model="vit", shots=4, seed=0, half=0.0, protocol_digest="f" * 32)
    assert leaderboards([*results, other])["few_shot.csv"] == CSV
    (line,) = [line for line in notes([*results, other]) if "vit" in line]
    assert line.startswith("shapes: left out of the ranking: vit+probe@4.s0 (ffffffff), of another protocol")


def test_a_zero_shot_score_on_other_images_is_none_of_the_curve(results):
    alone = replace(results[0], digests={"model": "clip", "image_ids": "others"})
    lines = leaderboards([alone, *results[1:]])["few_shot.csv"].splitlines()
    assert all(line.endswith(",") for line in lines[1:])


def test_a_row_that_lacks_a_seed_has_no_mean_as_on_the_leaderboard(results, make_probe):
    elsewhere = make_probe(0.5, shots=4, seed=2, task="digits")
    lines = leaderboards([*results, elsewhere])["few_shot.csv"].splitlines()
    assert lines[1].startswith("digits,score,clip,probe,4,1,,,,,")
    assert "shapes,score,clip,probe,4,2,,,,,0.250000" in lines


def test_a_metric_that_is_better_when_lower_and_has_no_interval(make_probe):
    bare = make_probe(0.5, shots=2, lower=True)
    bare = replace(bare, metrics=(Measurement(3.5, 200, metric="score", lower_is_better=True, most=None),))
    text = leaderboards([bare])["few_shot.csv"]
    assert text == HEAD + "shapes,score,clip,probe,2,1,3.500000,,,,\n"


def test_every_metric_has_its_curve_the_primary_one_first(make_probe):
    extra = (Measurement(0.5, 200, metric="aux"), Measurement(0.25, 200, metric="score"))
    text = leaderboards([make_probe(0.25, shots=2, metrics=extra)])["few_shot.csv"]
    assert [line.split(",")[1] for line in text.splitlines()[1:]] == ["score", "aux"]


def test_other_weights_under_one_name_make_no_curve_and_a_note(results):
    again = replace(results[1], weights={"w.safetensors": "retrained"})
    told = [again, *results[:1], *results[2:]]
    lines = leaderboards(told)["few_shot.csv"].splitlines()
    assert [line.split(",")[2:4] for line in lines[1:]] == [["clip", "vote~3fa2c1"], ["vit", "probe"]]
    assert (
        "shapes: no few-shot curve of clip by probe: results of other weights under one name; run both again"
    ) in notes(told)


def test_seeds_of_a_model_are_one_curve_beside_the_row_of_their_means(make_probe):
    probed = [
        make_probe(value, shots=2, seed=seed, model=f"ctx-seed{model}", replicate_of="ctx+probe@2")
        for model, seed, value in ((1, 0, 0.25), (1, 1, 0.5), (2, 0, 0.5), (2, 1, 0.75))
    ]
    alone = [
        make_probe(value, method="", model=f"ctx-seed{model}", replicate_of="ctx")
        for model, value in ((1, 0.125), (2, 0.375))
    ]
    (line,) = leaderboards([*probed, *alone])["few_shot.csv"].splitlines()[1:]
    # deviations -1/4, 0, 0, 1/4: the variance is 1/24
    assert line == f"shapes,score,ctx,probe,2,4,0.500000,{24**-0.5:.6f},0.375000,0.625000,0.250000"
