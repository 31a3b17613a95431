from dataclasses import replace

import pytest
from colour_model import ColourCheckpoint, squares
from colour_tagger import ColourTaggerCheckpoint

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.measurement import Measurement, Part
from vlbench.core.metric import Metric
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import Result
from vlbench.core.task import TaskRequest, Tuning
from vlbench.engine.evaluate import Session, evaluate
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_result

TEST = ("red", "green", "blue", "yellow", "white", "black") * 3
VALIDATION = ("black", "white", "yellow", "blue", "green", "red") * 2
METRICS = ("mean_average_precision", "macro_f1")
SETTINGS = RunSettings(batch_size=4, workers=0)


def task(colours, kind="tagging"):
    request = TaskRequest(
        "squares", "test", squares(colours, name=f"squares-{len(colours)}"), metrics=METRICS
    )
    if kind != "tagging":
        request = replace(request, metrics=())
    return TASK_KINDS.get(kind)(request)


def halfway(prediction, problem, options):
    """Not the best F1: a rule of its own, so that it is seen to be asked, on the validation images."""
    scores, dense = prediction["scores"], problem.relevant.dense()
    assert scores.shape == dense.shape == (len(VALIDATION), 6)
    threshold = (float(scores[dense].min()) + float(scores[~dense].max())) / 2
    return Measurement(None, 0, parts=tuple(Part(text.name, threshold, 0) for text in problem.texts))


CHOOSE = Metric("halfway", halfway, frozenset({"scores"}))


def tuned(choose=CHOOSE):
    return replace(task(TEST), thresholds=Tuning(task(VALIDATION), choose))


def run(asked, checkpoint, cache):
    job = plan_job(checkpoint, asked, SETTINGS)
    return evaluate(job, Session(checkpoint, SETTINGS), cache).result


def test_thresholds_are_chosen_on_the_validation_images_alone(tmp_path):
    checkpoint = ColourCheckpoint()
    result = run(tuned(), checkpoint, tmp_path)
    assert checkpoint.loads == 1
    assert result.n_images == len(TEST)
    assert result.timing.images_encoded == len(TEST)
    assert len(result.thresholds) == 6
    assert set(result.thresholds) == {result.thresholds[0]}
    assert result.metric("macro_f1").value == 1.0
    assert result.digests["validation_image_ids"] != result.digests["image_ids"]
    assert Result.from_json(result.to_json()) == result


def test_what_is_stored_of_either_split_is_used(tmp_path):
    checkpoint = ColourCheckpoint()
    plain = run(task(TEST), checkpoint, tmp_path)
    assert plain.metric("macro_f1").value is None
    assert plain.thresholds == ()
    seen = sum(checkpoint.model.seen)
    assert stored_result(plan_job(checkpoint, tuned(), SETTINGS), tmp_path, seed=0) is None
    result = run(tuned(), checkpoint, tmp_path)
    assert sum(checkpoint.model.seen) - seen == len(VALIDATION)
    assert stored_result(plan_job(checkpoint, tuned(), SETTINGS), tmp_path, seed=0).result == result
    assert stored_result(plan_job(checkpoint, task(TEST), SETTINGS), tmp_path, seed=0).result == plain
    whole = run(tuned(), ColourCheckpoint(), tmp_path / "other")
    assert (whole.metrics, whole.thresholds) == (result.metrics, result.thresholds)


def test_another_choice_is_measured_from_what_is_stored(tmp_path):
    checkpoint = ColourCheckpoint()
    run(tuned(), checkpoint, tmp_path)
    fewer = replace(tuned(), metrics={"macro_f1": tuned().metrics["macro_f1"]})
    found = stored_result(plan_job(checkpoint, fewer, SETTINGS), tmp_path, seed=0)
    assert found is not None
    assert found.result.metric("macro_f1").value == 1.0
    stated = replace(task(TEST), thresholds=(1.0,) * 6)
    found = stored_result(plan_job(checkpoint, stated, SETTINGS), tmp_path, seed=0)
    assert found is not None
    assert found.result.metric("macro_f1").value == 0.0
    assert checkpoint.loads == 1


def test_stated_thresholds_take_the_place_of_the_models_own(tmp_path):
    own = run(task(TEST), ColourTaggerCheckpoint(), tmp_path)
    asked = replace(task(TEST), thresholds=(0.5,) * 6)
    result = run(asked, ColourTaggerCheckpoint(), tmp_path)
    assert own.metric("macro_f1").value == pytest.approx(5 / 6)
    assert result.metric("macro_f1").value == 1.0
    assert result.thresholds == (0.5,) * 6


def test_a_threshold_outside_the_unit_is_refused_before_any_image_is_seen(tmp_path):
    checkpoint = ColourTaggerCheckpoint()
    asked = replace(task(TEST), thresholds=(0.5, 0.5, -0.25, 0.5, 0.5, 0.5))
    with pytest.raises(
        DataError, match=r"threshold -0\.25 of '\w+': colour states a probability; give .* 0 to 1"
    ):
        run(asked, checkpoint, tmp_path)
    assert checkpoint.model.seen == []
    assert run(asked, ColourCheckpoint(), tmp_path).thresholds[2] == -0.25  # a cosine may be


def test_a_question_without_a_score_matrix_has_no_thresholds(tmp_path):
    asked = replace(task(TEST), thresholds=Tuning(task(VALIDATION, "classification"), CHOOSE))
    with pytest.raises(Unsupported, match="halfway reads scores, which"):
        run(asked, ColourCheckpoint(), tmp_path)
