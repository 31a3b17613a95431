from dataclasses import replace

import numpy as np
import pytest
from colour_model import COLOURS, ColourCheckpoint, evaluated, squares

from vlbench.core.contracts import Text
from vlbench.core.errors import Unsupported
from vlbench.core.registry import SCORINGS, TASK_KINDS
from vlbench.core.task import TaskRequest
from vlbench.engine.outliers import outlier_task
from vlbench.engine.plan import plan_job
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_prediction

SETTINGS = RunSettings(batch_size=4, workers=0)


def classification(name, colours):
    names = tuple(Text(colour) for colour in colours)
    request = TaskRequest(name=name, protocol="test", source=squares(tuple(colours)), names=names)
    return TASK_KINDS.get("classification")(request)


def test_other_images_are_asked_by_the_same_texts_from_stored_features(tmp_path):
    colours = tuple(COLOURS)
    inside, outside = classification("bright", colours[:2]), classification("dark", colours[2:])
    checkpoint = ColourCheckpoint()
    for task in (inside, outside):
        evaluated(plan_job(checkpoint, task, SETTINGS), SETTINGS, tmp_path)
    job = plan_job(checkpoint, outlier_task(inside, outside), SETTINGS)
    result = evaluated(job, SETTINGS, tmp_path)
    assert (result.timing.images_encoded, result.timing.texts_encoded) == (0, 0)
    assert (result.n_images, result.n_texts, result.metrics) == (len(colours) - 2, 2, ())
    prediction, _ = stored_prediction(job, tmp_path)
    assert prediction["row_ranks"].tolist() == [0] * (len(colours) - 2)
    assert np.isfinite(prediction["log_sums"]).all()


def test_the_first_task_must_be_a_classification():
    task = classification("bright", tuple(COLOURS)[:2])
    with pytest.raises(Unsupported, match="bright: keeps no best class"):
        outlier_task(replace(task, scoring=SCORINGS.get("matrix")), task)
