import re
from dataclasses import replace

import numpy as np
import pytest
from colour_model import ColourCheckpoint, evaluated, squares, stored
from colour_tagger import ColourTaggerCheckpoint

from vlbench.core.errors import DataError, PluginError
from vlbench.core.image import image_digests
from vlbench.core.method import ZERO_SHOT, Head, Method
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import Result
from vlbench.core.task import TaskRequest
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings

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


def halfway(lesson):
    """Not the best F1: a rule of its own, so that it is seen to be asked, on the validation images."""
    split = lesson.splits["validation"]
    scores, dense = split.prediction()["scores"], split.problem.relevant.dense()
    assert scores.shape == dense.shape == (len(VALIDATION), 6)
    threshold = (float(scores[dense].min()) + float(scores[~dense].max())) / 2
    return Head(thresholds=(threshold,) * 6)


HALFWAY = Method("halfway", halfway, parts=frozenset({"thresholds"}), learns_from=frozenset({"validation"}))


def tuned():
    return replace(task(TEST), learn_from={"validation": task(VALIDATION).problem})


def planned(asked, checkpoint, method=ZERO_SHOT):
    return plan_job(checkpoint, asked, SETTINGS, method=method)


def run(asked, checkpoint, cache, method=ZERO_SHOT):
    job = planned(asked, checkpoint, method)
    return evaluated(job, SETTINGS, cache)


def test_thresholds_are_chosen_on_the_validation_images_alone(tmp_path):
    checkpoint = ColourCheckpoint()
    result = run(tuned(), checkpoint, tmp_path, HALFWAY)
    assert checkpoint.loads == 1
    assert result.n_images == len(TEST)
    tested, seen = (set(image_digests(squares(each), None)) for each in (TEST, VALIDATION))
    assert result.timing.images_encoded == len(tested - seen)  # some squares of both are equal to the bit
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
    assert stored(planned(tuned(), checkpoint, HALFWAY), tmp_path) is None
    result = run(tuned(), checkpoint, tmp_path, HALFWAY)
    assert sum(checkpoint.model.seen) - seen == 4 * 3
    assert stored(planned(tuned(), checkpoint, HALFWAY), tmp_path) == result
    assert stored(plan_job(checkpoint, task(TEST), SETTINGS), tmp_path) == plain
    whole = run(tuned(), ColourCheckpoint(), tmp_path / "other", HALFWAY)
    assert (whole.metrics, whole.thresholds) == (result.metrics, result.thresholds)


def test_another_choice_is_measured_from_what_is_stored(tmp_path):
    checkpoint = ColourCheckpoint()
    run(tuned(), checkpoint, tmp_path, HALFWAY)
    fewer = replace(tuned(), metrics={"macro_f1": tuned().metrics["macro_f1"]})
    found = stored(planned(fewer, checkpoint, HALFWAY), tmp_path)
    assert found is not None
    assert found.metric("macro_f1").value == 1.0
    stated = replace(task(TEST), thresholds=(1.0,) * 6)
    found = stored(plan_job(checkpoint, stated, SETTINGS), tmp_path)
    assert found is not None
    assert found.metric("macro_f1").value == 0.0
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


def test_a_seed_reaches_what_is_learned_and_each_is_one_of_a_row(tmp_path):
    def drawn(lesson):
        return Head(thresholds=(lesson.seed / 10,) * 6)

    method = replace(HALFWAY, name="drawn", fit=drawn, settings={"shots": 4, "k": 2}, seeded=True)
    checkpoint = ColourCheckpoint()
    for seed in (3, 4):
        job = plan_job(checkpoint, tuned(), replace(SETTINGS, seed=seed), method=method)
        # scores do not hang on the seed: those of the first are stored
        result = stored(job, tmp_path) or evaluated(job, SETTINGS, tmp_path)
        assert result.thresholds == (seed / 10,) * 6
        assert result.model == f"{result.replicate_of}.s{seed}"
        assert re.fullmatch(r"colour\+drawn@4~[0-9a-f]{6}", result.replicate_of)
        assert result.replicate_of == f"colour+{result.method}"
    assert checkpoint.loads == 1


def test_what_was_learned_is_recorded_and_stays_where_it_was_stored(tmp_path):
    told = replace(HALFWAY, fit=lambda lesson: replace(halfway(lesson), learned={"why": "told", "c": 0.5}))
    checkpoint = ColourCheckpoint()
    assert run(tuned(), checkpoint, tmp_path, told).learned == {"why": "told", "c": 0.5}
    job = planned(tuned(), checkpoint, told)
    assert stored(job, tmp_path).learned == {"why": "told", "c": 0.5}
    assert run(tuned(), checkpoint, tmp_path).learned == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32(1), None, True, [1]])
def test_what_no_record_can_hold_is_refused(value, tmp_path):
    other = replace(HALFWAY, fit=lambda lesson: replace(halfway(lesson), learned={"c": value}))
    with pytest.raises(PluginError, match=r"method .halfway. says that .c. is .*; mend its `learned`"):
        run(tuned(), ColourCheckpoint(), tmp_path, other)


def test_a_method_that_learns_other_parts_than_it_states_is_refused(tmp_path):
    other = replace(HALFWAY, fit=lambda _: Head())
    with pytest.raises(PluginError, match="says that it learns thresholds and learned nothing"):
        run(tuned(), ColourCheckpoint(), tmp_path, other)


def test_a_method_of_thresholds_alone_reads_no_vectors(tmp_path):
    greedy = replace(HALFWAY, fit=lambda lesson: lesson.splits["validation"].vectors())
    with pytest.raises(PluginError, match="reads predictions, not vectors"):
        run(tuned(), ColourCheckpoint(), tmp_path, greedy)
