"""Finished measurements and predictions on disk under their keys; imports no torch."""

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import DataError
from vlbench.core.files import read_checked, write_checked
from vlbench.core.record import as_record, parsed_json, record_of
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, RunFacts, decided, measure
from vlbench.engine.plan import located


def stored_measurement(job: Job, cache: Path) -> Measured | None:
    """The stored measurement of an equal job, or a new one of its stored prediction; None where both lack."""
    known = located(job, cache)
    if known is None:
        return None
    job = known
    data = read_checked(measurement_path(job, cache))
    try:
        if data is not None:
            return record_of(Measured, parsed_json(data.decode()))
    except DataError:
        pass  # another version's
    prediction = decided_prediction(job, cache)
    if prediction is None:
        return None
    found = measure(job, *prediction)
    store_measurement(job, found, cache)
    return found


def store_measurement(job: Job, found: Measured, cache: Path) -> None:
    """Keep what was measured."""
    write_checked(measurement_path(job, cache), json.dumps(as_record(found)))


def measurement_path(job: Job, cache: Path) -> Path:
    """Where a job's measurement lies."""
    return cache / "measurements" / f"{job.keys.measurement}.json"


def store_prediction(job: Job, prediction: Prediction, facts: RunFacts, cache: Path) -> None:
    """Keep a prediction and what is recorded of the run that made it."""
    data = job.task.problem.images.name
    about = json.dumps({"unit": asdict(prediction.unit), "facts": asdict(facts), "data": data})
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, about=np.array(about), **prediction.arrays)
    write_checked(cache / "predictions" / f"{job.keys.prediction}.npz", buffer.getvalue())


def decided_prediction(job: Job, cache: Path) -> tuple[Prediction, RunFacts] | None:
    """A job's stored prediction with its thresholds; None where it, or one to learn from, is lost."""
    kept = stored_prediction(job, cache)
    late = job.learn_from if job.decides_late else {}
    learned = {split: stored_prediction(each, cache) for split, each in late.items()}
    found = {split: each[0] for split, each in learned.items() if each is not None}
    if kept is None or len(found) < len(learned):
        return None
    return decided(job, *kept, found)


def stored_prediction(job: Job, cache: Path) -> tuple[Prediction, RunFacts] | None:
    """A job's prediction, None where there is none or it is damaged."""
    known = located(job, cache)
    if known is None:
        return None
    kept = read_checked(cache / "predictions" / f"{known.keys.prediction}.npz")
    if kept is None:
        return None
    with np.load(BytesIO(kept), allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        arrays = {name: archive[name] for name in archive.files if name != "about"}
    return Prediction(ScoreUnit(**about["unit"]), arrays), record_of(RunFacts, about["facts"])
