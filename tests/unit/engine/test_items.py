import numpy as np
import pytest
from colour_model import ColourCheckpoint, evaluated, squares
from colour_tagger import ColourTaggerCheckpoint

from vlbench.core.errors import VlbenchError
from vlbench.core.items import Items
from vlbench.core.registry import TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.evaluate import evaluate
from vlbench.engine.items import stored_items
from vlbench.engine.plan import plan_job
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings

COLOURS = ("red", "green", "blue", "yellow", "white", "black") * 3
SETTINGS = RunSettings(batch_size=4, workers=0)


@pytest.fixture
def run(tmp_path):
    """A job that has run, and its result."""

    def run(kind, checkpoint=ColourCheckpoint):
        task = TASK_KINDS.get(kind)(TaskRequest(name="squares", protocol="test", source=squares(COLOURS)))
        job = plan_job(checkpoint(), task, SETTINGS)
        return job, evaluated(job, SETTINGS, tmp_path)

    return run


def test_items_of_a_job_say_what_its_result_says(run, tmp_path):
    job, result = run("classification")
    items = stored_items(job, tmp_path)
    assert np.mean(items.image_ranks == 1) == result.score
    assert items.influence is None
    job, result = run("tagging", ColourTaggerCheckpoint)
    items = stored_items(job, tmp_path)
    assert items.scores.shape == (result.n_images, result.n_texts)
    assert len(items.influence) == result.n_images
    assert stored_items(job, tmp_path, most_scores=1).scores is None


def test_what_is_measured_now_has_the_items_of_what_is_stored(tmp_path):
    task = TASK_KINDS.get("tagging")(TaskRequest(name="squares", protocol="test", source=squares(COLOURS)))
    job = plan_job(ColourTaggerCheckpoint(), task, SETTINGS)
    with Session(job.checkpoint, SETTINGS, tmp_path) as session:
        _, found = evaluate(job, session)
    (influence,) = (each.influence for each in found.values if each.metric == task.primary)
    items = Items.of(task.problem, found.prediction, influence=influence)
    again = stored_items(job, tmp_path)
    for name in ("influence", "scores", "positives"):
        assert np.array_equal(getattr(items, name), getattr(again, name))


def test_a_lost_prediction_is_named(run, tmp_path):
    job, _ = run("classification")
    for path in (tmp_path / "predictions").iterdir():
        path.unlink()
    with pytest.raises(VlbenchError, match="squares: the stored predictions are gone; empty"):
        stored_items(job, tmp_path)
