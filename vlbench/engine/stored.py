"""Finished measurements and predictions on disk, by key. Imports no torch."""

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from shutil import rmtree

import numpy as np

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import DataError
from vlbench.core.files import read_checked, write_checked
from vlbench.core.json_text import parsed_json
from vlbench.core.npz_file import opened_npz
from vlbench.core.record import as_record, record_of
from vlbench.engine.job import Job
from vlbench.engine.measure import Measured, RunFacts, decided, measure
from vlbench.engine.plan import located


def stored_measurement(job: Job, cache: Path) -> Measured | None:
    """The stored measurement of a job, or a new one from its stored prediction; None without either."""
    known = located(job, cache)
    if known is None:
        return None
    job = known
    data = read_checked(measurement_path(job, cache))
    try:
        if data is not None:
            return record_of(Measured, parsed_json(data))
    except DataError:
        pass  # another version's
    prediction = decided_prediction(job, cache)
    if prediction is None:
        return None
    found = measure(job, *prediction)
    store_measurement(job, found, cache)
    return found


def store_measurement(job: Job, found: Measured, cache: Path) -> None:
    """Store a measurement."""
    write_checked(measurement_path(job, cache), json.dumps(as_record(found)))


def measurement_path(job: Job, cache: Path) -> Path:
    """The path of a job's measurement."""
    return cache / "measurements" / f"{job.keys.measurement}.json"


def store_prediction(job: Job, prediction: Prediction, facts: RunFacts, cache: Path) -> None:
    """Store a prediction and the facts of the run that made it."""
    data = job.task.problem.images.name
    about = json.dumps({"unit": asdict(prediction.unit), "facts": asdict(facts), "data": data})
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, about=np.array(about), **prediction.arrays)
    write_checked(cache / "predictions" / f"{job.keys.prediction}.npz", buffer.getvalue())


def forget(job: Job, cache: Path) -> None:
    """Delete all that is stored under the keys of a job's model, which no other run will ask for."""
    keys = job.keys
    folders = [("features", keys.image_space), ("features", keys.text_space), ("vectors", keys.image_space)]
    for place in (*folders, ("scores", keys.score_space)):
        rmtree(cache.joinpath(*place), ignore_errors=True)
    files = [("decoding", f"{keys.image_space}.json"), ("cut", f"{keys.text_space}.json")]
    files += [("predictions", f"{keys.prediction}.npz"), ("measurements", f"{keys.measurement}.json")]
    for file in files:
        cache.joinpath(*file).unlink(missing_ok=True)
    for split in job.learn_from.values():
        forget(split, cache)


def decided_prediction(job: Job, cache: Path) -> tuple[Prediction, RunFacts] | None:
    """A job's stored prediction with its thresholds; None where it, or one that it learns from, is lost."""
    kept = stored_prediction(job, cache)
    late = job.learn_from if job.decides_late else {}
    learned = {split: stored_prediction(each, cache) for split, each in late.items()}
    found = {split: each[0] for split, each in learned.items() if each is not None}
    if kept is None or len(found) < len(learned):
        return None
    return decided(job, *kept, found)


def stored_prediction(job: Job, cache: Path) -> tuple[Prediction, RunFacts] | None:
    """A job's stored prediction; None where it is missing or damaged."""
    known = located(job, cache)
    if known is None:
        return None
    kept = read_checked(cache / "predictions" / f"{known.keys.prediction}.npz")
    if kept is None:
        return None
    try:
        with opened_npz(kept, "a stored prediction") as archive:
            about = parsed_json(str(archive["about"]))
            arrays = {name: archive[name] for name in archive.files if name != "about"}
            return Prediction(ScoreUnit(**about["unit"]), arrays), record_of(RunFacts, about["facts"])
    except DataError:
        return None  # another version's
