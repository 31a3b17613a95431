"""What cannot work is refused as it is planned: nothing is loaded, no image is opened; and keys of a job."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from colour_model import ColourCheckpoint, squares

from vlbench.core.capabilities import VECTORS
from vlbench.core.contracts import Text
from vlbench.core.digest import digest_of
from vlbench.core.errors import Unsupported
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.problem import Asked, Query
from vlbench.core.registry import METHODS, METRICS, TASK_KINDS
from vlbench.core.relevance import Relevance
from vlbench.core.task import TaskRequest
from vlbench.engine.plan import located, plan_job
from vlbench.engine.settings import RunSettings

SETTINGS = RunSettings(batch_size=4, workers=0)


def task(kind="classification", *metrics, colours=("red", "green", "blue")):
    request = TaskRequest("squares", "test", squares(colours), metrics=metrics)
    return TASK_KINDS.get(kind)(request)


def made(asked):
    """A task of pictures that state their keys, which are known before any is opened."""
    images = asked.problem.images
    examples = [replace(each, key=digest_of(each.state)) for each in images.examples]
    return replace(asked, problem=replace(asked.problem, candidates=replace(images, examples=examples)))


def refused(asked, match, method=ZERO_SHOT):
    checkpoint = ColourCheckpoint()
    with pytest.raises(Unsupported, match=match):
        plan_job(checkpoint, asked, SETTINGS, method=method)
    assert checkpoint.loads == 0


def test_a_metric_that_reads_what_is_not_kept():
    refused(task("tagging", "mean_average_precision", "acc1"), "acc1 reads row_ranks, which squares does not")
    refused(
        task("classification", "macro_f1@0.5"), r"reads scores, which squares does not keep \(it keeps best"
    )


def test_a_method_that_does_not_suit_the_task(tmp_path):
    best_f1 = METHODS.get("best-f1")()
    tagging, other = made(task("tagging")), task("classification")
    split = {"validation": tagging.problem}
    refused(tagging, "squares: best-f1 learns from a validation split, and no card of it names one", best_f1)
    refused(replace(other, learn_from=split), "best-f1 measures macro_precision, which reads scores", best_f1)
    stated = replace(tagging, learn_from=split, thresholds=(0.5,) * 3)
    refused(stated, "its thresholds are stated, and best-f1 learns them; leave one out", best_f1)
    planned = located(
        plan_job(ColourCheckpoint(), replace(tagging, learn_from=split), SETTINGS, method=best_f1), tmp_path
    )
    assert (planned.row, planned.learn_from["validation"].row) == ("colour+best-f1", "colour")
    alone = located(plan_job(ColourCheckpoint(), tagging, SETTINGS), tmp_path)
    assert planned.keys.prediction == alone.keys.prediction  # thresholds are learned of it
    assert planned.keys.measurement != alone.keys.measurement


def test_vectors_are_needed_where_words_and_images_do_not_meet_in_the_models_score():
    asked = task()
    by_image = replace(
        asked.problem, queries=tuple(Query(image=i) for i in range(3)), references=squares(("red",) * 3)
    )
    refused(replace(asked, problem=by_image), "colour does not offer vectors, which squares needs")
    both = replace(by_image, queries=tuple(Query(Text("red"), i) for i in range(3)))
    refused(replace(asked, problem=both), "squares asks by an image and words together; choose a method")


def test_pairs_that_are_not_asked_about_are_for_metrics_that_heed_them():
    asked = task("tagging", "macro_f1", colours=("red", "green"))
    wrong = 1 - asked.problem.relevant.queries[:1]
    unknown = Relevance.from_pairs(np.array([0]), wrong, (2, 2))
    partly = replace(asked, problem=replace(asked.problem, asked=Asked("but", unknown)))
    deaf = {"deaf": replace(METRICS.get("macro_f1"), name="deaf", reads=frozenset({"scores"}))}
    refused(
        replace(partly, metrics=deaf), "deaf counts all pairs, and squares does not ask about all of them"
    )
    method = replace(METHODS.get("best-f1")(), metrics=("macro_f1_top@1",))
    refused(partly, "macro_f1_top counts all pairs, .*; leave out the metric, or the method", method)
    heeding = {"heeding": replace(deaf["deaf"], reads=frozenset({"scores", "asked"}))}
    plan_job(ColourCheckpoint(), replace(partly, metrics=heeding), SETTINGS)


def test_a_metric_that_does_not_suit_the_question():
    refused(task("classification", "roc_auc"), "roc_auc needs two classes, .* this task has 3")
    plan_job(ColourCheckpoint(), task("classification", "roc_auc", colours=("red", "green")), SETTINGS)


def test_a_scoring_that_needs_what_the_model_cannot():
    asked = task()
    refused(
        replace(asked, scoring=replace(asked.scoring, needs=frozenset({"fly"}))),
        "colour does not offer fly, which squares needs",
    )


def test_a_method_that_calls_changed_code_of_its_package_is_computed_anew(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "fits_under_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "fit.py").write_text(
        "from .called import learn\n\ndef fit(lesson):\n    return learn(lesson)\n"
    )
    (package / "called.py").write_text("def learn(lesson):\n    return 1\n")
    fit = importlib.import_module("fits_under_test.fit").fit
    asked = made(task())
    asked = replace(asked, learn_from={"train": asked.problem})
    probe = Method("probe", fit=fit, parts=frozenset({"score"}), learns_from=frozenset({"train"}))
    checkpoint = ColourCheckpoint(capabilities=frozenset({VECTORS}))
    before = located(plan_job(checkpoint, asked, SETTINGS, method=probe), tmp_path).keys
    (package / "called.py").write_text("def learn(lesson):\n    return 2\n")
    after = located(plan_job(checkpoint, asked, SETTINGS, method=probe), tmp_path).keys
    assert (before.prediction == after.prediction, before.measurement == after.measurement) == (False, False)
    assert before.candidates == after.candidates
