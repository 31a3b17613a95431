from vlbench.core.measurement import Measurement
from vlbench.report.exchange.imported import ImportedScore
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.markdown import (
    imported_markdown,
    leaderboard_markdown,
    with_interval,
    without_interval,
)


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
    text = leaderboard_markdown(results, additions, interval=without_interval)
    assert text == (
        "| model | digits<br>acc1 | shapes<br>acc1 | mean | pair | mean rank |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| a\\|b | – | 0.5000 | – | – | – |\n"
        "| c | 0.2500 | **0.9000** | 0.5750 | 0.5750 | 1.0000 |"
    )


def test_intervals_and_spreads_stand_behind_values(make_result):
    seeds = [make_result(model=f"s{n}", replicate_of="s", acc1=acc1) for n, acc1 in ((1, 0.867), (2, 0.875))]
    text = leaderboard_markdown([make_result(), *seeds], interval=with_interval)
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
    assert "| a | **3.0000** |" in leaderboard_markdown(rank, interval=with_interval)


def test_scores_of_other_tools_stand_below_under_their_own_heading():
    theirs = ImportedScore("mteb", "M", "", "shapes", "shapes", "acc1", "0.51", "protocol: own", "f.json")
    text = imported_markdown([theirs], ["shapes"])
    assert text.splitlines()[0] == "Measured by other tools and imported:"
    assert text.splitlines()[-1] == "| mteb | M | shapes | acc1 | 0.5100 | protocol: own |"
    assert imported_markdown([theirs], ["digits"]) == ""
