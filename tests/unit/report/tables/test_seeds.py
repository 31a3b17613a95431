import itertools

import pytest

from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement
from vlbench.report.results import write_result
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards
from vlbench.report.tables.notes import notes
from vlbench.report.tables.seeds import SeedSpread, spreads

ROW = "coop-b16-pets-16shot"
SCORES = (0.5, 0.625, 0.75)
"""Mean 0.625, deviations -1/8, 0, 1/8: the sample standard deviation is 1/8."""


@pytest.fixture
def make_seed(make_result):
    """The result of one seed of the row."""

    def make(seed, **changes):
        return make_result(model=f"{ROW}-seed{seed}", replicate_of=ROW, **changes)

    return make


@pytest.fixture
def three(make_seed):
    return [make_seed(seed, acc1=acc1) for seed, acc1 in zip((1, 2, 3), SCORES, strict=True)]


def test_seeds_are_one_row_with_their_mean_and_a_line_a_metric_with_their_spread(three, make_result):
    texts = leaderboards([make_result(model="clip", acc1=0.25), *three])
    assert [line.split(",")[:3] for line in texts["leaderboard.csv"].splitlines()] == [
        ["model", "shapes", "mean"],
        ["clip", "0.250000", "0.250000"],
        [ROW, "0.625000", "0.625000"],
    ]
    seeds = f"{ROW}-seed1 {ROW}-seed2 {ROW}-seed3"
    assert texts["seeds.csv"] == (
        "model,task,metric,mean,std,n_seeds,seeds\n"
        f"{ROW},shapes,acc1,0.625000,0.125000,3,{seeds}\n"
        f"{ROW},shapes,acc5,0.750000,0.000000,3,{seeds}\n"
    )
    models = [line.split(",")[0] for line in texts["shapes.csv"].splitlines()[1:]]
    assert models == ["clip", *(f"{ROW}-seed{seed}" for seed in (1, 2, 3))]
    assert texts["all.csv"].count(f"{ROW}-seed") == 6


def test_single_seeds_stay_as_they_would_be_without_a_row(three, make_result):
    alone = [make_result(model=f"{ROW}-seed{n}", acc1=acc1) for n, acc1 in enumerate(SCORES, 1)]
    with_row, without = leaderboards(three), leaderboards(alone)
    assert with_row["shapes.csv"] == without["shapes.csv"]
    assert with_row["all.csv"] == without["all.csv"]
    assert set(with_row) - set(without) == {"seeds.csv"}


def test_one_seed_has_a_mean_and_no_deviation(make_seed):
    texts = leaderboards([make_seed(1, acc1=0.25)])
    assert texts["leaderboard.csv"].splitlines()[1].startswith(f"{ROW},0.250000,0.250000,openai,")
    assert texts["seeds.csv"].splitlines()[1] == f"{ROW},shapes,acc1,0.250000,,1,{ROW}-seed1"


@pytest.fixture
def make_probe(make_result):
    """The result of one seed of a method, on a model or on one seed of a row of models."""

    def make(seed, *, model="clip", row="", method="1", **changes):
        return make_result(
            model=f"{model}+probe@4.s{seed}",
            replicate_of=f"{row or model}+probe@4",
            method="probe@4",
            digests={"model": model, "method": method},
            settings={"seed": seed},
            zero_shot="no",
            **changes,
        )

    return make


def test_seeds_of_a_method_are_one_row_even_where_they_agree(make_probe, make_result):
    seeds = [make_probe(seed, acc1=acc1) for seed, acc1 in ((0, 0.75), (1, 0.75), (2, 0.0))]
    results = [make_result(model="clip", acc1=0.25), *seeds]
    texts = leaderboards(results)
    assert [line.split(",")[:2] for line in texts["leaderboard.csv"].splitlines()[1:]] == [
        ["clip", "0.250000"],
        ["clip+probe@4", "0.500000"],
    ]
    # deviations 1/4, 1/4, -1/2: the variance is 3/16
    names = "clip+probe@4.s0 clip+probe@4.s1 clip+probe@4.s2"
    assert (
        texts["seeds.csv"].splitlines()[1] == f"clip+probe@4,shapes,acc1,0.500000,{0.1875**0.5:.6f},3,{names}"
    )
    assert notes(results) == ()


def test_seeds_of_a_method_on_seeds_of_a_model_are_one_row(make_probe):
    results = [
        make_probe(seed, model=f"{ROW}-seed{model}", row=ROW, acc1=acc1)
        for model, seed, acc1 in ((1, 0, 0.25), (1, 1, 0.5), (2, 0, 0.5), (2, 1, 0.75))
    ]
    (line,) = leaderboards(results)["leaderboard.csv"].splitlines()[1:]
    assert line.startswith(f"{ROW}+probe@4,0.500000,")
    assert line.endswith(",no")


def test_seeds_by_two_states_of_a_method_have_no_mean_and_a_note(make_probe):
    results = [make_probe(0, acc1=0.25), make_probe(1, acc1=0.75, method="2")]
    texts = leaderboards(results)
    assert texts["leaderboard.csv"].splitlines()[1].startswith("clip+probe@4,,,")
    assert texts["seeds.csv"].splitlines()[1].startswith("clip+probe@4,shapes,acc1,,,2,")
    assert notes(results) == (
        "shapes: no mean of clip+probe@4, its seeds are of other settings or code of its method; run them "
        "again",
        "clip+probe@4: no averages: results of other settings or code of its method under one name; run it "
        "again on shapes",
    )


def test_a_task_that_a_seed_lacks_has_no_mean_and_a_note(three, make_seed):
    results = [*three, make_seed(2, task="digits", acc1=0.5)]
    texts = leaderboards(results)
    assert texts["leaderboard.csv"].splitlines()[1].startswith(f"{ROW},,0.625000,,openai,")
    assert f"{ROW},digits,acc1,0.500000,,1,{ROW}-seed2" in texts["seeds.csv"]
    assert notes(results) == (
        f"digits: no mean of {ROW}, 1 of 3 seeds have it; run {ROW}-seed1, {ROW}-seed3",
    )
    assert notes(three) == ()


def test_a_seed_of_another_protocol_or_without_a_score_is_in_no_mean(three, make_seed):
    other = [*three[:2], make_seed(3, protocol_digest="e" * 32)]
    texts = leaderboards(other)
    assert texts["leaderboard.csv"].splitlines()[1].startswith(f"{ROW},,,openai,")
    assert ",2," in texts["seeds.csv"].splitlines()[1]
    assert [note.split(":")[1] for note in notes(other)] == [
        " left out of the ranking",
        f" no mean of {ROW}, 2 of 3 seeds have it; run {ROW}-seed3",
    ]
    unmeasured = leaderboards([*three[:2], make_seed(3, acc1=None)])
    assert unmeasured["leaderboard.csv"].splitlines()[1].startswith(f"{ROW},,,openai,")
    assert unmeasured["seeds.csv"].splitlines()[1].startswith(f"{ROW},shapes,acc1,,,3,")
    few = leaderboards([three[0], make_seed(2, metrics=(Measurement(0.5, 4, metric="acc1"),))])
    assert few["seeds.csv"].splitlines()[2].startswith(f"{ROW},shapes,acc5,,,2,")


def test_shuffled_results_make_the_same_bytes(three, make_seed):
    results = [*three, make_seed(1, task="digits", acc1=0.1), make_seed(2, task="digits", acc1=0.7)]
    tables = {tuple(sorted(leaderboards(order).items())) for order in itertools.permutations(results)}
    assert len(tables) == 1


def test_a_partial_seed_makes_no_row(make_seed):
    assert "seeds.csv" not in leaderboards([make_seed(1, partial="limit 5")])


def test_a_model_of_the_rows_name_is_refused(three, make_result):
    with pytest.raises(DataError, match=f"{ROW} is a model, and the row of the seeds {ROW}-seed1, "):
        leaderboards([*three, make_result(model=ROW, task="digits")])


def test_the_table_of_seeds_is_checked_and_goes_with_the_last_seed(three, make_result, tmp_path):
    write_result(make_result(), tmp_path)
    paths = [write_result(result, tmp_path) for result in three]
    write_leaderboards(tmp_path)
    assert stale_leaderboards(tmp_path) == ()
    with (tmp_path / "seeds.csv").open("a") as file:
        file.write("fake\n")
    assert stale_leaderboards(tmp_path) == ("seeds.csv",)
    for path in paths:
        path.unlink()
    assert "seeds.csv" in stale_leaderboards(tmp_path)
    write_leaderboards(tmp_path)
    assert not (tmp_path / "seeds.csv").exists()
    (tmp_path / "seeds.csv").write_text("kind,sown\nradish,May\n")  # the user's own
    (tmp_path / "base_to_new.csv").write_text("\n")
    write_leaderboards(tmp_path)
    assert (tmp_path / "seeds.csv").exists()
    assert (tmp_path / "base_to_new.csv").exists()


def test_spreads_are_of_rows_of_seeds_alone(three, make_result):
    assert spreads([make_result(), *three]) == {(ROW, "shapes"): SeedSpread(0.625, 0.125)}
    assert str(SeedSpread(0.8706, 0.00412)) == "0.871 ± 0.004"
    assert (str(SeedSpread(0.5, None)), str(SeedSpread(None, None))) == ("0.500", "-")


def test_a_seed_of_other_images_or_labels_is_in_no_mean(three, make_seed):
    told = {"image_ids": "i", "truth": "r"}
    results = [make_seed(seed, acc1=0.5, digests=told | {"model": str(seed)}) for seed in (1, 2)]
    other = make_seed(3, acc1=0.8, digests={"image_ids": "x", "truth": "y", "model": "3"}, n_images=10)
    texts = leaderboards([*results, other])
    assert texts["leaderboard.csv"].splitlines()[1].startswith(f"{ROW},,,openai,")
    assert notes([*results, other]) == (
        f"shapes: left out of the ranking: {ROW}-seed3, of other image ids and right answers than "
        f"{ROW}-seed1; run them again on the same data, or give other data a card and a name of their own",
        f"shapes: no mean of {ROW}, 2 of 3 seeds have it; run {ROW}-seed3",
    )


def test_a_seed_of_partial_results_alone_is_named(three, make_seed):
    results = [*three[:2], make_seed(3, partial="limit 5")]
    assert leaderboards(results) == leaderboards(three[:2])
    assert notes(results) == (f"{ROW}: in no mean: {ROW}-seed3, of partial results alone; run it whole",)


def test_one_seed_under_two_names_is_in_no_mean(three, make_seed):
    results = [*three, make_seed(4, acc1=SCORES[0])]
    texts = leaderboards(results)
    assert texts["leaderboard.csv"].splitlines()[1].startswith(f"{ROW},,,openai,")
    assert texts["seeds.csv"].splitlines()[1].startswith(f"{ROW},shapes,acc1,,,4,")
    assert notes(results) == (
        f"shapes: no mean of {ROW}, {ROW}-seed1 and {ROW}-seed4 are one seed; delete the results of all but "
        "one of them",
    )
