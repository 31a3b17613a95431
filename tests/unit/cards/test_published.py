"""The published scores that ship: every name is a card's, every figure has a source, none is from memory."""

import csv
import re
from collections import Counter

import pytest

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.folders import built_in_folder
from vlbench.cards.published import (
    FILE,
    HEAD,
    TABLE,
    published_of,
    published_path,
    read_published,
    read_table,
)
from vlbench.core.errors import CardError

NO_CARD = re.compile(r"[A-Z]")
"""A model without a card bears its source's name, with a capital letter; a card's has none."""


@pytest.fixture(scope="module")
def scores():
    return published_of()


@pytest.fixture(scope="module")
def catalogue():
    return read_catalogue()


def test_the_file_is_sorted_and_says_nothing_twice():
    text = published_path().read_text(encoding="utf-8")
    rows = [tuple(row) for row in csv.reader(text.splitlines())]
    assert rows[0] == HEAD
    assert rows[1:] == sorted(set(rows[1:]))
    assert len(text) < 1_500_000


def test_the_table_is_sorted_and_says_nothing_twice():
    text = published_path(TABLE).read_text(encoding="utf-8")
    _, task, metric, differs, _, *rows = csv.reader(text.splitlines())
    columns = list(zip(task, metric, differs, strict=True))[2:]
    assert len(set(columns)) == len(columns)
    assert rows == sorted(rows)
    assert len({row[0] for row in rows}) == len(rows)
    assert len(text) < 250_000


def test_the_page_about_them_counts_them(scores):
    page = (built_in_folder() / "docs" / "published.md").read_text(encoding="utf-8")
    assert f"{len(scores):,} scores" in page
    assert f"{len({each.model for each in scores})} models" in page


def test_every_score_is_a_fraction_with_a_source(scores):
    assert all(0 <= each.value <= 1 and each.source and each.digits >= 2 for each in scores)
    assert not any("memory" in each.source + each.notes for each in scores)


def test_models_are_cards_or_the_sources_own_names(scores, catalogue):
    unknown = {each.model for each in scores if not NO_CARD.search(each.model)} - set(catalogue.models)
    assert unknown == set()


def test_a_score_of_a_cards_protocol_names_that_card_and_a_metric_that_it_has(scores, catalogue):
    from vlbench.cards.card_file import parse_card
    from vlbench.cards.schema import TaskCard

    wanted = {(each.task, each.metric) for each in scores if not each.differs}
    metrics = {task: parse_card(catalogue.tasks[task].path, TaskCard).metrics for task, _ in sorted(wanted)}
    assert {(task, metric) for task, metric in wanted if metric not in metrics[task]} == set()


def test_sources_that_state_another_metric_or_protocol_are_marked(scores):
    of_clip = [each for each in scores if (each.model, each.task) == ("CLIP", "openimages-common-214")]
    assert {each.differs.partition(":")[0] for each in of_clip if each.printed == "0.766"} == {"templates"}
    assert {each.task for each in scores if each.metric == "mean_main_metric" and not each.differs} == set()
    main = Counter(each.metric for each in scores if each.task == "caltech101" and "open_clip" in each.source)
    assert set(main) == {"mean_per_class_recall"}


def test_scores_of_the_worst_group_bear_the_metric_that_measures_it(scores):
    """DataComp's main metrics of its sets about fairness."""
    worst = {"fmow": "worst_group_accuracy", "geode": "worst_group_accuracy"}
    worst["dollar_street"] = "worst_group_accuracy@5"
    found = [each for each in scores if each.task in worst]
    assert len(found) == 291
    assert {(each.task, each.metric) for each in found} == set(worst.items())
    assert not any(each.differs for each in found)


def test_two_figures_for_one_cell_are_both_there():
    chart, table = sorted(
        each.printed
        for each in published_of(model="ram-plus", task="openimages-common-214")
        if each.metric == "mean_average_precision"
    )
    assert (table, chart) == ("0.868", "0.866")


def test_a_figure_of_a_wrong_architecture_is_not_the_cards(scores):
    """open_clip lists laion400m ViT-B/32 without QuickGELU too, at 0.602 in place of 0.629."""
    right = {
        each.printed
        for each in published_of(model="clip-b32-laion400m", task="imagenet")
        if each.metric == "acc1"
    }
    (wrong,) = [
        each
        for each in published_of(model="open_clip:ViT-B-32/laion400m_e32", task="imagenet")
        if each.metric == "acc1"
    ]
    assert wrong.printed.startswith("0.602")
    assert all(text.startswith("0.629") for text in right)


def test_rows_are_asked_by_model_and_task():
    acc1 = {
        (each.source, each.printed)
        for each in published_of(model="clip-b32", task="imagenet")
        if each.metric == "acc1" and not each.differs
    }
    assert ("CLIP paper (arXiv 2103.00020), Table 11", "0.632") in acc1
    assert ("open_clip docs/openclip_classification_results.csv", "0.6332") in acc1
    assert published_of(model="absent") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,task\n", "line 1: the header is model,task,metric"),
        (",".join(HEAD) + "\na,b,c\n", "line 2: 3 columns instead of 7"),
        (",".join(HEAD) + "\na,b,acc1,high,,s,\n", "line 2: 'high' is not a decimal number"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / FILE
    path.write_text(text)
    with pytest.raises(CardError, match=re.escape(message)):
        list(read_published(path, lambda *_: True))


def test_a_table_says_of_its_columns_what_the_file_says_of_its_rows(tmp_path):
    path = tmp_path / TABLE
    path.write_text(
        "source,a paper\ntask,,t,u\nmetric,,acc1,acc5\ndiffers,,,split: val\nnotes,,,of half\n"
        "M,again,0.10,0.2000\n"
    )
    first, second = read_table(path, lambda *_: True)
    assert (first.model, first.task, first.metric, first.printed) == ("M", "t", "acc1", "0.10")
    assert (first.source, first.differs, first.notes) == ("a paper", "", "again")
    assert (second.printed, second.differs, second.notes) == ("0.2000", "split: val", "again; of half")
    assert [each.task for each in read_table(path, lambda _, task: task == "u")] == ["u"]


def test_figures_of_the_table_are_the_sources(scores):
    """Percent of six significant digits, as vl_compo prints them: 61.2245, 31.25, 9.375."""
    found = {
        (each.task, each.metric, each.printed)
        for each in published_of(model="clip-b32")
        if "vl_compo" in each.source and not each.differs
    }
    assert {
        ("sugarcrepe-swap-obj", "text_score", "0.612245"),
        ("winoground", "group_score", "0.087500"),
        ("whatsup-a", "text_score_first_wins", "0.305825"),
        ("mmvp-vlm", "group_score", "0.066667"),
    } <= found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first lines have to begin with source, task, metric, differs, notes"),
        ("source,a\ntask,,t\nmetric,,acc1\ndiffers,\nnotes,,\n", "the first lines have to begin with source"),
        ("source,a\ntask,,t\nmetric,,acc1\ndiffers,,\nnotes,,\nM,0.1\n", "line 6: 2 columns instead of 3"),
        (
            "source,a\ntask,,t\nmetric,,acc1\ndiffers,,\nnotes,,\nM,,x\n",
            "line 6: 'x' is not a decimal number",
        ),
    ],
)
def test_a_wrong_table_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / TABLE
    path.write_text(text)
    with pytest.raises(CardError, match=re.escape(message)):
        list(read_table(path, lambda *_: True))
