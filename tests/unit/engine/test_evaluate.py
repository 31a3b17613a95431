import json
from dataclasses import asdict, replace
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from colour_model import ColourCheckpoint, ColourModel, evaluated, squares, stored
from colour_tagger import ColourTaggerCheckpoint

from vlbench.core.contracts import Target
from vlbench.core.errors import DataError, LacksMemory, NotFinite, Unsupported
from vlbench.core.registry import METHODS, TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.items import keep_predictions, stored_items
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_prediction

COLOURS = ("red", "green", "blue", "yellow", "white", "black") * 7
DISTINCT = len(COLOURS) - 6
"""Black squares are equal to the bit."""
SETTINGS = RunSettings(batch_size=4, workers=2)


def task(kind="classification", source=None, name="squares"):
    source = source or squares(COLOURS)
    return TASK_KINDS.get(kind)(TaskRequest(name=name, protocol="test", source=source))


def score(asked, checkpoint, cache, settings=SETTINGS):
    return evaluated(plan_job(checkpoint, asked, settings), settings, cache)


def without_times(result):
    return json.dumps({**asdict(result), "timing": None}, sort_keys=True)


@pytest.mark.parametrize("kind", ["classification", "retrieval", "tagging"])
def test_the_three_kinds_are_scored_by_one_evaluator(kind, tmp_path):
    source = squares(("red", "green", "blue", "yellow", "white", "black"))
    result = score(task(kind, source), ColourCheckpoint(), tmp_path)
    assert result.score == 1.0
    assert result.n_images == 6
    assert result.settings["batch_size"] == 4


def test_a_second_task_on_the_same_images_encodes_none(tmp_path):
    checkpoint = ColourCheckpoint()
    score(task("classification"), checkpoint, tmp_path)
    seen = len(checkpoint.model.seen)
    result = score(task("tagging"), checkpoint, tmp_path)
    assert result.timing.images_encoded == 0
    assert result.timing.images_per_second is None
    assert len(checkpoint.model.seen) == seen


def test_a_stored_measurement_needs_no_model_and_is_the_same(tmp_path):
    checkpoint = ColourCheckpoint()
    fresh = score(task(), checkpoint, tmp_path)
    again = stored(plan_job(checkpoint, task(), SETTINGS), tmp_path)
    assert again == fresh
    assert checkpoint.loads == 1
    renamed = stored(plan_job(checkpoint, task(name="other"), SETTINGS), tmp_path)
    assert renamed is not None
    assert renamed.task == "other"


def test_another_formula_is_measured_from_the_stored_prediction(tmp_path):
    checkpoint = ColourCheckpoint()
    score(task(), checkpoint, tmp_path)
    asked = task()
    fewer = replace(asked, metrics={"acc1": asked.metrics["acc1"]})
    found = stored(plan_job(checkpoint, fewer, SETTINGS), tmp_path)
    assert found is not None
    assert [value.metric for value in found.metrics] == ["acc1"]
    assert checkpoint.loads == 1


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["measurements", "predictions"])
def test_a_flipped_bit_of_what_is_stored_is_never_a_score(kept, tmp_path):
    checkpoint = ColourCheckpoint()
    fresh = score(task(), checkpoint, tmp_path)
    (path,) = (tmp_path / kept).iterdir()
    data = path.read_bytes()
    for position in range(0, len(data), 97):
        flipped = bytearray(data)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        if kept == "measurements":
            again = stored(plan_job(checkpoint, task(), SETTINGS), tmp_path)
            assert again == fresh
        else:
            assert stored_prediction(plan_job(checkpoint, task(), SETTINGS), tmp_path) is None
    assert checkpoint.loads == 1


def test_a_lost_prediction_is_scored_again_from_stored_features(tmp_path):
    checkpoint = ColourCheckpoint()
    score(task(), checkpoint, tmp_path)
    job, seen = plan_job(checkpoint, task(), SETTINGS), len(checkpoint.model.seen)
    (path,) = (tmp_path / "predictions").iterdir()
    path.write_bytes(b"")
    keep_predictions(job, SETTINGS, tmp_path)
    assert stored_prediction(job, tmp_path) is not None
    assert len(checkpoint.model.seen) == seen


@pytest.mark.parametrize("settings", [replace(SETTINGS, workers=0), replace(SETTINGS, workers=5)])
def test_workers_change_nothing(settings, tmp_path):
    fresh = score(task(), ColourCheckpoint(), tmp_path / "a")
    assert without_times(score(task(), ColourCheckpoint(), tmp_path / "b", settings)) == without_times(fresh)


def test_other_batch_sizes_change_no_number(tmp_path):
    fresh = score(task(), ColourCheckpoint(), tmp_path / "a")
    other = score(task(), ColourCheckpoint(), tmp_path / "b", replace(SETTINGS, batch_size=9))
    assert other.metrics == fresh.metrics


@pytest.mark.parametrize(
    "lack",
    [torch.OutOfMemoryError(), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
    ids=repr,
)
def test_out_of_memory_halves_the_batch_and_goes_on(tmp_path, lack):
    checkpoint = ColourCheckpoint(ColourModel(largest_batch=3, lack=lack))
    result = score(task(), checkpoint, tmp_path, replace(SETTINGS, batch_size=None))
    assert result.settings["batch_size"] == 2
    assert result.timing.images_encoded == DISTINCT
    assert result.metrics == score(task(), ColourCheckpoint(), tmp_path / "b").metrics


def test_out_of_memory_at_a_size_the_user_chose_is_an_error(tmp_path):
    with pytest.raises(Unsupported, match="too little memory for 4 items"):
        score(task(), ColourCheckpoint(ColourModel(largest_batch=3)), tmp_path)
    settings = replace(SETTINGS, batch_size=None)
    with pytest.raises(LacksMemory, match="too little memory for a single item; free some, or take"):
        score(task(), ColourCheckpoint(ColourModel(largest_batch=0)), tmp_path, settings)


def test_memory_that_lacks_elsewhere_says_what_for_and_the_way_out(tmp_path, monkeypatch):
    def lack(*_, **__):
        raise MemoryError

    colours = squares(COLOURS)
    unread = replace(colours, examples=[replace(colours[i], image=lack) for i in range(len(colours))])
    with pytest.raises(LacksMemory, match=r"image 0-.*: too little memory to decode it; pass fewer"):
        score(task(source=unread), ColourCheckpoint(), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(ColourCheckpoint, "load", lack)
        with pytest.raises(LacksMemory, match=r"memory to load the model \(MemoryError\); free some"):
            score(task(), ColourCheckpoint(), tmp_path)
    monkeypatch.setattr(ColourModel, "score", lack)
    with pytest.raises(LacksMemory, match=r"to score squares .*; pass a smaller --feature-gb"):
        score(task(source=squares(COLOURS[:4])), ColourCheckpoint(), tmp_path)


def test_a_broken_image_is_named_and_what_was_encoded_stays(tmp_path):
    with pytest.raises(DataError, match=r"squares: image 30-red does not decode \(truncated\)"):
        score(task(source=squares(COLOURS, broken=30)), ColourCheckpoint(), tmp_path)
    result = score(task(), ColourCheckpoint(), tmp_path)
    assert 0 < result.timing.images_encoded < len(COLOURS)


@pytest.mark.slow
def test_a_constant_model_scores_nothing(tmp_path):
    constant = ColourCheckpoint(ColourModel(answer=0.5))
    accuracy = score(task("classification"), constant, tmp_path)
    hits = ("acc1", "acc5", "mean_per_class_recall", "worst_class_accuracy")
    assert [accuracy.metric(name).value for name in hits] == [0.0] * len(hits)
    ranks = score(task("retrieval"), constant, tmp_path)
    assert ranks.score == 0.0
    precision = score(task("tagging"), constant, tmp_path)
    assert precision.score == pytest.approx(1 / 6)


def test_a_model_that_answers_nan_is_refused(tmp_path):
    with pytest.raises(NotFinite, match="NaN"):
        score(task(), ColourCheckpoint(ColourModel(answer=float("nan"))), tmp_path)


def test_unmet_needs_are_refused_before_the_model_loads():
    checkpoint = ColourCheckpoint()
    with pytest.raises(Unsupported, match="does not offer caption"):
        plan_job(checkpoint, replace(task(), needs=frozenset({"caption"})), SETTINGS)
    assert checkpoint.loads == 0


def test_what_is_not_the_default_is_part_of_the_row():
    settings = replace(SETTINGS, precision="bf16")
    job = plan_job(ColourCheckpoint(preprocess_mode="fast"), task(), settings)
    assert job.row == "colour+bf16+fast"
    with pytest.raises(Unsupported, match="fp16"):
        plan_job(ColourCheckpoint(), task(), replace(SETTINGS, precision="fp16"))


def test_predictions_are_kept_with_the_facts_of_their_run(tmp_path):
    checkpoint = ColourCheckpoint()
    score(task("tagging"), checkpoint, tmp_path)
    kept = stored_prediction(plan_job(checkpoint, task("tagging"), SETTINGS), tmp_path)
    assert kept is not None
    prediction, facts = kept
    assert prediction["scores"].shape == (len(COLOURS), 6)
    assert facts.settings["precision"] == "fp32"


@pytest.mark.parametrize("kind", ["classification", "retrieval", "tagging"])
def test_features_beyond_the_budget_are_scored_as_they_come(kind, tmp_path):
    stored = score(task(kind), ColourCheckpoint(), tmp_path / "a")
    settings = replace(SETTINGS, feature_bytes=len(COLOURS) * 3 * 4 - 1)
    streamed = score(task(kind), ColourCheckpoint(), tmp_path / "b", settings)
    # other batches round scores otherwise: what reads scores may differ, what reads ranks does not
    for one, other in zip(streamed.metrics, stored.metrics, strict=True):
        assert asdict(one) == (asdict(other) if one.metric not in ("ece", "brier", "nll") else ANY)
        assert one.value == pytest.approx(other.value, abs=1e-6)
    assert len(list((tmp_path / "b").glob("scores/*/*.features"))) == 1
    (features,) = (tmp_path / "b").glob("features/*/*.features")  # of the texts alone
    assert features.stat().st_size < sum(p.stat().st_size for p in (tmp_path / "a").rglob("*.features"))


def test_a_streamed_pass_that_was_killed_goes_on(tmp_path):
    settings = replace(SETTINGS, feature_bytes=0)
    broken = squares(COLOURS, broken=30)
    first = ColourCheckpoint()
    with pytest.raises(DataError):
        score(task(source=broken), first, tmp_path, settings)
    second = ColourCheckpoint()
    result = score(task(), second, tmp_path, settings)
    assert result.timing.images_encoded < len(COLOURS)
    whole = score(task(), ColourCheckpoint(), tmp_path / "other", settings)
    assert result.metrics == whole.metrics


def test_a_taggers_own_thresholds_are_kept_with_its_scores(tmp_path):
    request = TaskRequest("squares", "test", squares(COLOURS), metrics=("macro_f1", "macro_f1@0.5"))
    asked = TASK_KINDS.get("tagging")(request)
    result = score(asked, ColourTaggerCheckpoint(), tmp_path)
    own, half = (result.metric(name).value for name in ("macro_f1", "macro_f1@0.5"))
    assert own == pytest.approx(5 / 6)  # black is given from 0.99 on, which its logit of 4 does not reach
    assert half == 1.0
    again = stored_prediction(plan_job(ColourTaggerCheckpoint(), asked, SETTINGS), tmp_path)
    assert again is not None
    assert again[0]["thresholds"].tolist() == [0.99, 0.6, 0.6, 0.6, 0.6, 0.6]
    plain = score(asked, ColourCheckpoint(), tmp_path / "plain")
    assert plain.metric("macro_f1").value is None


def hard(unknown):
    """Of two red images the brighter is a difficult one: nobody knows whether it is red."""
    source = squares(("red", "red", "blue", "green"))
    first = Target(tags=(), unknown=("red",) if unknown else ())
    return replace(source, examples=[replace(source[0], target=first), *source.examples[1:]])


def test_what_nobody_knows_is_measured_nowhere(tmp_path):
    checkpoint, metrics = ColourCheckpoint(), ("mean_average_precision", "macro_f1")
    request = TaskRequest("squares", "test", hard(True), metrics=metrics)
    asked = TASK_KINDS.get("tagging")(request)
    false = TASK_KINDS.get("tagging")(replace(request, source=hard(False)))
    found, other = (score(each, checkpoint, tmp_path) for each in (asked, false))
    assert found.metric("mean_average_precision").value == 1.0
    assert other.metric("mean_average_precision").value == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert found.digests["truth"] != other.digests["truth"]
    assert found.n_relevant == other.n_relevant == 3
    job = plan_job(checkpoint, asked, SETTINGS)
    items = stored_items(job, tmp_path)
    assert np.argwhere(np.isnan(items.scores)).tolist() == [[0, 2]]
    assert items.influence == pytest.approx([1.0] * 4)
    method = METHODS.get("best-f1")()
    learned = replace(asked, learn_from={"validation": asked.problem})
    chosen = evaluated(plan_job(checkpoint, learned, SETTINGS, method=method), SETTINGS, tmp_path)
    red = items.scores[:, 2]
    assert chosen.thresholds[2] == pytest.approx((red[1] + max(red[2:])) / 2, rel=1e-6)
    assert chosen.metric("macro_f1").value == 1.0


def test_streamed_scores_are_of_the_whole_model(tmp_path):
    """Two models of equal sides may score otherwise: a decoder of other heads, another formula."""
    settings = replace(SETTINGS, feature_bytes=0)
    score(task("tagging"), ColourCheckpoint(), tmp_path, settings)
    tagger = ColourTaggerCheckpoint()
    monkeyed = replace(tagger.identify(), whole="whole of a tagger")
    tagger.identify = lambda: monkeyed  # type: ignore[method-assign]
    result = score(task("tagging"), tagger, tmp_path, settings)
    assert result.timing.images_encoded == DISTINCT
    prediction, _ = stored_prediction(plan_job(tagger, task("tagging"), settings), tmp_path)
    assert prediction["scores"].max() <= 4  # logits of the tagger's own, not the other's cosines
