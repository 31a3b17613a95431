from vlbench.core.measurement import Measurement
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.leaderboard import leaderboards
from vlbench.report.tables.leaderboard_table import leaderboard_markdown, leaderboard_table
from vlbench.report.tables.seeds import spreads


def test_the_best_of_a_column_is_bold_and_what_is_missing_a_dash(make_result):
    results = [
        make_result(model="a|b"),
        make_result(model="c", acc1=0.9),
        make_result(model="c", task="digits", acc1=0.25),
    ]
    additions = Additions(
        collections={"pair": ("digits", "shapes")},
        ranks={"digits": {"c": 1}, "shapes": {"a|b": 2, "c": 1}},
    )
    text = leaderboard_markdown(results, additions)
    assert text == (
        "| model | digits<br>acc1 | shapes<br>acc1 | mean | pair | mean rank |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| a\\|b | – | 0.5000 | – | – | – |\n"
        "| c | 0.2500 | **0.9000** | 0.5750 | 0.5750 | 1.0000 |"
    )


def test_intervals_and_spreads_stand_behind_values(make_result):
    seeds = [make_result(model=f"s{n}", replicate_of="s", acc1=acc1) for n, acc1 in ((1, 0.867), (2, 0.875))]
    text = leaderboard_markdown([make_result(), *seeds], intervals=True)
    assert "| small | 0.5000 [0.4000, 0.6000] |" in text
    assert "| s | **0.871 ± 0.006** |" in text


def test_of_a_metric_that_should_be_low_the_lowest_is_bold(make_result):
    rank = [
        make_result(
            model=model,
            primary="median_rank",
            metrics=(Measurement(value, 4, metric="median_rank", lower_is_better=True),),
        )
        for model, value in (("a", 3.0), ("b", 5.0))
    ]
    assert "| a | **3.0000** |" in leaderboard_markdown(rank, intervals=True)


def test_the_leaderboard_is_shown_with_four_decimals(make_result):
    results = [make_result(acc1=0.123456), make_result(task="digits", model="b", acc1=1.0)]
    lines = leaderboard_table(leaderboards(results)["leaderboard.csv"], {}).splitlines()
    assert [line.split() for line in lines if "--" not in line] == [
        ["model", "digits", "shapes", "mean"],
        ["b", "1.0000", "-", "-"],
        ["small", "-", "0.1235", "-"],
    ]


def seeds(make_result, *scores, **changes):
    return [
        make_result(model=f"coop-seed{n}", replicate_of="coop", acc1=acc1, **changes)
        for n, acc1 in enumerate(scores, start=1)
    ]


def test_the_leaderboard_shows_how_seeds_spread(make_result):
    results = [*seeds(make_result, 0.867, 0.875), *seeds(make_result, 0.5, task="digits")]
    text = leaderboards([*results, make_result(model="one-seed1", replicate_of="one")])["leaderboard.csv"]
    lines = leaderboard_table(text, spreads(results)).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == ["coop", "one"]
    assert "0.871 ± 0.006" in lines[2]
    assert lines[2].split()[1] == "-"  # digits: one seed of two
    assert lines[3].split() == ["one", "-", "0.5000", "-"]


def test_an_empty_leaderboard_is_its_header():
    assert leaderboard_table("model,mean\n", {}).splitlines()[0].split() == ["model", "mean"]
