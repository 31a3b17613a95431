"""What cannot work is refused as it is planned: nothing is loaded, no image is opened; and keys of a job."""

from dataclasses import replace

import pytest
from colour_model import ColourCheckpoint, squares

from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.metric_name import metric_named
from vlbench.core.registry import TASK_KINDS
from vlbench.core.task import TaskRequest, Tuning
from vlbench.engine.plan import image_keys, plan_job
from vlbench.engine.settings import RunSettings

SETTINGS = RunSettings(batch_size=4, workers=0)


def task(kind="classification", *metrics, colours=("red", "green", "blue")):
    request = TaskRequest("squares", "test", squares(colours), metrics=metrics)
    return TASK_KINDS.get(kind)(request)


def refused(asked, match):
    checkpoint = ColourCheckpoint()
    with pytest.raises(Unsupported, match=match):
        plan_job(checkpoint, asked, SETTINGS)
    assert checkpoint.loads == 0


def test_a_metric_that_reads_what_is_not_kept():
    refused(task("tagging", "mean_average_precision", "acc1"), "acc1 reads row_ranks, which squares does not")
    refused(
        task("classification", "macro_f1@0.5"), r"reads scores, which squares does not keep \(it keeps best"
    )


def test_a_choice_of_thresholds_that_reads_what_is_not_kept():
    tuning = Tuning(task(), metric_named("best_f1_threshold"))
    refused(replace(task("tagging"), thresholds=tuning), "best_f1_threshold reads scores")


def test_a_metric_that_does_not_suit_the_question():
    refused(task("classification", "roc_auc"), "roc_auc needs two classes, .* this task has 3")
    plan_job(ColourCheckpoint(), task("classification", "roc_auc", colours=("red", "green")), SETTINGS)


def test_a_scoring_that_needs_what_the_model_cannot():
    asked = task()
    refused(
        replace(asked, scoring=replace(asked.scoring, needs=frozenset({"fly"}))),
        "colour cannot fly, which squares needs",
    )


def test_an_image_is_known_by_its_state_and_never_by_none() -> None:
    pair = squares(("red", "blue"))
    assert image_keys(pair) == (digest_of_strings(["red 0"]), digest_of_strings(["blue 1"]))
    nameless = replace(pair, examples=[pair[0], replace(pair[1], state="")])
    with pytest.raises(DataError, match=r"squares: image 1-blue has no state.*was fingerprint"):
        image_keys(nameless)
