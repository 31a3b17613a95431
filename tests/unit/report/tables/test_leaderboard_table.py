import pytest

from vlbench.core.errors import UnknownName
from vlbench.core.measurement import Measurement
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.leaderboard import leaderboards
from vlbench.report.tables.leaderboard_table import Layout, leaderboard_markdown, leaderboard_table
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
        "| c | 0.2500 | **0.9000** | 0.5750 | 0.5750 | 1.0000 |\n"
        "| a\\|b | – | 0.5000 | – | – | – |"
    )


def test_the_last_rows_are_chance_and_the_best_constant_answer_where_known(make_result):
    measured = Measurement(0.5, 200, metric="acc1", chance=1 / 64, constant=0.0)
    results = [make_result(), make_result(model="b", metrics=(measured,)), make_result(task="digits")]
    lines = leaderboard_markdown(results).splitlines()
    assert lines[-2:] == ["| (chance) |  | 0.0156 |  |", "| (constant) |  | 0.0000 |  |"]
    transposed = leaderboard_markdown(results, layout=Layout(transpose=True)).splitlines()
    assert transposed[0].endswith("| (chance) | (constant) |")


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


def two(make_result):
    """b is the better one on shapes, a on digits and on average."""
    return [
        make_result(model=model, task=task, acc1=acc1)
        for model, scores in (("a", (0.9, 0.5)), ("b", (0.2, 0.6)), ("c", (None, 0.1)))
        for task, acc1 in zip(("digits", "shapes"), scores, strict=True)
    ]


@pytest.mark.parametrize(
    ("sort", "order"), [("mean", "abc"), ("shapes", "bac"), ("digits", "abc"), ("model", "abc")]
)
def test_rows_are_sorted_by_their_mean_or_a_column_and_the_csv_stays(make_result, sort, order):
    results = two(make_result)
    text = leaderboards(results)["leaderboard.csv"]
    layout = Layout.of_results(results, sort, transpose=False)
    lines = leaderboard_table(text, {}, layout=layout).splitlines()[2:]
    assert [line[0] for line in lines] == list(order)
    marked = leaderboard_markdown(results, layout=layout).splitlines()[2:]
    assert [line.split()[1] for line in marked] == list(order)
    assert [line[0] for line in text.splitlines()[1:]] == ["a", "b", "c"]


def test_a_column_that_is_low_when_good_is_sorted_from_the_lowest(make_result):
    results = [
        make_result(
            model=model,
            primary="median_rank",
            metrics=(Measurement(value, 4, metric="median_rank", lower_is_better=True),),
        )
        for model, value in (("a", 5.0), ("b", 3.0))
    ]
    layout = Layout.of_results(results, "shapes", transpose=False)
    text = leaderboard_table(leaderboards(results)["leaderboard.csv"], {}, layout=layout)
    assert [line[0] for line in text.splitlines()[2:]] == ["b", "a"]


def test_tasks_may_be_rows_and_no_other_column_can_be_sorted_by(make_result):
    results = two(make_result)
    text = leaderboards(results)["leaderboard.csv"]
    layout = Layout.of_results(results, "shapes", transpose=True)
    lines = [line.split() for line in leaderboard_table(text, {}, layout=layout).splitlines()]
    assert [lines[0], lines[3]] == [["task", "b", "a", "c"], ["shapes", "0.6000", "0.5000", "0.1000"]]
    marked = leaderboard_markdown(results, layout=layout).splitlines()
    assert marked[0] == "| task | b | a | c |"
    assert marked[3] == "| shapes<br>acc1 | **0.6000** | 0.5000 | 0.1000 |"
    with pytest.raises(UnknownName, match="no column named 'shape'; did you mean shapes"):
        leaderboard_table(text, {}, layout=Layout("shape"))


def test_a_terminal_gets_the_columns_that_fit_and_the_others_below(make_result):
    results = two(make_result)
    text = leaderboards(results)["leaderboard.csv"]
    parts = [part.splitlines() for part in leaderboard_table(text, {}, width=24).split("\n\n")]
    assert [part[0].split() for part in parts] == [["model", "digits", "shapes"], ["model", "mean"]]
    assert all(len(line) <= 24 for part in parts for line in part)
