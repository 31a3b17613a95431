import csv
import itertools
from dataclasses import replace

import numpy as np
import pytest

from vlbench.core.errors import DataError
from vlbench.core.items import Items
from vlbench.report.paired.items import write_items
from vlbench.report.results import write_result
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.leaderboard import leaderboards, stale_leaderboards, write_leaderboards
from vlbench.report.tables.row_facts import ROW_FACTS, row_facts, zero_shot_of

PAIR = Additions(collections={"pair": ("digits", "shapes"), "absent": ("digits", "imagenet")})
RANKS = {"digits": {"a": 1, "b": 1}, "shapes": {"a": 2, "b": 1}}


def table(results, additions):
    lines = csv.DictReader(leaderboards(results, additions)["leaderboard.csv"].splitlines())
    return {line["model"]: line for line in lines}


@pytest.fixture
def results(make_result):
    return [
        make_result(model="a", task="digits", acc1=0.25),
        make_result(model="a", acc1=0.75),
        make_result(model="a", task="flowers", acc1=1.0),
        make_result(model="b", acc1=0.5, task="digits"),
    ]


def test_a_collection_is_averaged_where_all_its_tasks_are_there(results):
    rows = table(results, PAIR)
    assert list(rows["a"]) == ["model", "digits", "flowers", "shapes", "mean", "pair", *ROW_FACTS]
    assert (rows["a"]["pair"], rows["b"]["pair"]) == ("0.500000", "")
    assert rows["a"]["mean"] == "0.666667"


def test_ranks_are_shown_by_task_and_their_mean_where_a_row_has_them_all(make_result):
    results = [make_result(model=model, task=task) for model in "abc" for task in ("digits", "shapes")]
    texts = leaderboards(results, Additions(ranks=RANKS))
    shapes = csv.DictReader(texts["shapes.csv"].splitlines())
    assert [(line["model"], line["rank"]) for line in shapes] == [("a", "2"), ("b", "1"), ("c", "")]
    rows = table(results, Additions(ranks=RANKS))
    assert [rows[model]["mean_rank"] for model in "abc"] == ["1.500000", "1.000000", ""]


def test_additions_change_no_byte_with_the_order_of_results(results):
    additions = replace(PAIR, ranks=RANKS)
    texts = {tuple(leaderboards(order, additions).items()) for order in itertools.permutations(results)}
    assert len(texts) == 1


def test_a_row_is_zero_shot_where_all_its_tasks_are(make_result):
    yes, no, unknown = (make_result(zero_shot=each) for each in ("yes", "no", "unknown"))
    assert zero_shot_of([yes, yes]) == "yes"
    assert zero_shot_of([yes, unknown]) == "unknown"
    assert zero_shot_of([yes, unknown, no]) == "no"
    assert zero_shot_of([]) == "unknown"


def test_facts_are_the_first_stated_and_empty_where_none_are(make_result):
    old = make_result(task="a", facts={})
    assert row_facts([old, make_result()])["parameters"] == 151.28
    assert row_facts([old])["licence"] == ""


def test_ranks_come_from_the_records_beside_the_results(make_result, tmp_path):
    generator = np.random.default_rng(0)
    for model, share in (("best", 0.9), ("close", 0.89), ("worst", 0.2)):
        ranks = np.where(generator.random(200) < share, 1, 2)
        result = make_result(model=model, acc1=float((ranks == 1).mean()))
        write_result(result, tmp_path)
        write_items(result, Items(image_ranks=ranks, classes=np.zeros(200, dtype=np.int64)), tmp_path)
    write_result(make_result(model="without"), tmp_path)
    write_leaderboards(tmp_path)
    lines = csv.DictReader((tmp_path / "shapes.csv").read_text().splitlines())
    assert {line["model"]: line["rank"] for line in lines} == {
        "best": "1",
        "close": "1",
        "worst": "3",
        "without": "",
    }
    assert stale_leaderboards(tmp_path) == ()
    (tmp_path / "shapes" / "close.items.npz").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"close\.items\.npz"):
        write_leaderboards(tmp_path)
