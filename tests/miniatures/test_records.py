"""What is kept of every miniature: it is measured again alike, streamed alike, and has items and a file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from colour_model import evaluated, stored
from miniatures.composers import SUM
from miniatures.hand import SETTINGS, HandCheckpoint, HandModel, answering, by_scores, run
from miniatures.measures import not_a_number
from miniatures.probes import chosen_ridge, ridge
from miniatures.test_composed import MODEL as COMPOSED
from miniatures.test_composed import REFERENCES, circo, composed, genecis
from miniatures.test_image_retrieval import LEVELS, OXFORD, TWO_HEAPS, clustering, oxford
from miniatures.test_matching import MODELS, winoground
from miniatures.test_probes import MODEL as PROBED
from miniatures.test_probes import faces, probed

from vlbench.core.errors import NotFinite
from vlbench.core.items import Items
from vlbench.core.method import ZERO_SHOT
from vlbench.core.problem import Asked
from vlbench.core.relevance import Relevance
from vlbench.engine.plan import located, plan_job
from vlbench.engine.stored import stored_prediction
from vlbench.report.predictions import prediction_frame, write_predictions

MINIATURES = {
    **{name: (asked(), checkpoint, ZERO_SHOT) for name, (asked, checkpoint) in MODELS.items()},
    "cirr": (composed(Asked("but", REFERENCES)), COMPOSED, SUM),
    "circo": (circo(), COMPOSED, SUM),
    "genecis": (genecis(), COMPOSED, SUM),
    "oxford": (oxford(*LEVELS["medium"][:2]), OXFORD, ZERO_SHOT),
    "clusters": (clustering(), TWO_HEAPS, ZERO_SHOT),
    "ridge": (probed("train"), PROBED, ridge(1)),
    "chosen ridge": (probed("train", "validation"), PROBED, chosen_ridge((1, 100))),
    "faces": (faces(), by_scores({"man": (1, 0) * 4, "woman": (0, 1) * 4}), ZERO_SHOT),
}


@pytest.fixture(params=MINIATURES)
def miniature(request):
    asked, checkpoint, method = MINIATURES[request.param]
    return asked, replace(checkpoint), method


def test_what_is_stored_needs_no_model_and_is_the_same(miniature, tmp_path):
    asked, checkpoint, method = miniature
    job = plan_job(checkpoint, asked, SETTINGS, method=method)
    fresh = evaluated(job, SETTINGS, tmp_path)
    assert stored(job, tmp_path) == fresh
    for path in (tmp_path / "measurements").iterdir():
        path.unlink()
    assert stored(job, tmp_path) == fresh  # measured anew of the prediction
    assert checkpoint.loads == 1


def test_no_place_for_features_changes_no_score(miniature, tmp_path):
    asked, checkpoint, method = miniature
    found = []
    for settings in (SETTINGS, replace(SETTINGS, feature_bytes=0)):
        job = plan_job(checkpoint, asked, settings, method=method)
        folder = tmp_path / str(settings.feature_bytes)
        found.append(evaluated(job, settings, folder).metrics)
    assert found[0] == found[1]


def test_items_and_files_of_predictions_are_written(miniature, tmp_path):
    asked, checkpoint, method = miniature
    job = plan_job(checkpoint, asked, SETTINGS, method=method)
    result = evaluated(job, SETTINGS, tmp_path)
    prediction, _ = stored_prediction(job, tmp_path)
    problem = asked.problem
    items = Items.of(problem, prediction)
    for kept, count in (
        (items.image_ranks, len(problem.candidates)),
        (items.text_ranks, len(problem.queries)),
    ):
        assert kept is None or len(kept) == count
    frame = prediction_frame(problem, prediction)
    table = pd.read_parquet(write_predictions(result, frame, tmp_path / "out"))
    sides = table["side"].value_counts().to_dict()
    first = "image" if len(problem.images) else "candidate"
    assert sides[first] == len(problem.candidates)
    assert sides.get("text", 0) in (0, len(problem.queries))


def test_features_of_nan_are_refused(miniature, tmp_path):
    asked, checkpoint, method = miniature
    nan, model = float("nan"), checkpoint.model
    words = {name: row * nan for name, row in model.words.items()}
    with pytest.raises(NotFinite, match="features hold NaN or infinity"):
        run(asked, HandCheckpoint(HandModel(rows=model.rows * nan, words=words)), tmp_path, method)


@pytest.mark.parametrize("name", ["sugarcrepe", "winoground", "mmvp", "sugarcrepe++ itt", "faces"])
def test_scores_of_nan_are_refused(name, tmp_path):
    asked, checkpoint, _ = MINIATURES[name]
    with pytest.raises(NotFinite, match="hold NaN or infinity"):
        run(asked, answering(checkpoint, float("nan")), tmp_path)


def test_a_metric_that_is_nan_is_refused(miniature, tmp_path):
    asked, checkpoint, method = miniature
    wrong = not_a_number(sorted(asked.scoring.keeps)[0])
    with pytest.raises(NotFinite, match="wrong is nan"):
        run(replace(asked, metrics={"wrong": wrong}, primary="wrong"), checkpoint, tmp_path, method)


def test_another_question_of_the_same_sides_has_other_keys(tmp_path):
    """Asked pairs, right pairs, groups and references are each part of what is stored."""
    asked = winoground()
    problem = asked.problem
    checkpoint = MODELS["winoground"][1]
    wrong = np.flatnonzero(~problem.relevant.holds(problem.asked.pairs))[0]
    sides = (np.delete(each, wrong) for each in (problem.asked.pairs.candidates, problem.asked.pairs.queries))
    fewer = Asked("only", Relevance.from_pairs(*sides, problem.relevant.shape))
    others = [
        replace(asked, problem=replace(problem, asked=fewer)),
        replace(asked, problem=replace(problem, groups={"item": problem.groups["item"]})),
        replace(composed(), name="winoground"),
        replace(composed(Asked("but", REFERENCES)), name="winoground"),
    ]
    keys = []
    for each in (asked, *others):
        method = SUM if each.problem.references else ZERO_SHOT
        keys.append(located(plan_job(checkpoint, each, SETTINGS, method=method), tmp_path).keys)
    assert len({each.measurement for each in keys}) == len(keys)
    assert keys[0].prediction == keys[2].prediction  # groups change a measure, not a score
    assert len({each.prediction for each in keys}) == len(keys) - 1
    assert np.unique([each.candidates for each in keys[:3]], axis=0).shape[0] == 1
