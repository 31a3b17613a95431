"""Finished measurements and predictions on disk under their keys; imports no torch."""

import json
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import DataError
from vlbench.core.files import write_atomically
from vlbench.core.result import Result, Timing
from vlbench.engine.decision import decided
from vlbench.engine.measure import RunFacts, image_digests, record, seeds_row
from vlbench.engine.plan import Job

ARRAYS = (
    "row_ranks",
    "column_ranks",
    "best",
    "best_scores",
    "right_scores",
    "log_sums",
    "log_square_sums",
    "scores",
    "thresholds",
)


def stored_result(job: Job, cache: Path, *, seed: int) -> Result | None:
    """The result of an equal job, under this job's names; measured anew where only a formula changed."""
    path = measurement_path(job, cache)
    try:
        found = Result.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, DataError):
        found = None
    if found is None:
        kept = stored_prediction(job, cache)
        if kept is None:
            return None
        validation = stored_prediction(job.validation, cache) if job.validation is not None else None
        if job.validation is not None and validation is None:
            return None
        prediction, facts = kept
        chosen_on = None if validation is None else validation[0]
        found = record(job, decided(job, prediction, chosen_on), facts, seed=seed)
        write_atomically(path, found.to_json())
    task, images = job.task, job.task.problem.images
    return replace(
        found,
        model=job.row,
        replicate_of=seeds_row(job),
        task=task.name,
        protocol=task.protocol.name,
        partial=task.partial,
        source=images.name,
        source_revision=images.revision,
        digests={**found.digests, **image_digests(job)},
    )


def store_result(job: Job, result: Result, cache: Path) -> None:
    """Keep a finished measurement."""
    write_atomically(measurement_path(job, cache), result.to_json())


def measurement_path(job: Job, cache: Path) -> Path:
    """Where a job's measurement lies."""
    return cache / "measurements" / f"{job.keys.measurement}.json"


def prediction_path(job: Job, cache: Path) -> Path:
    """Where a job's prediction lies."""
    return cache / "predictions" / f"{job.keys.prediction}.npz"


def store_prediction(job: Job, prediction: Prediction, facts: RunFacts, cache: Path) -> None:
    """Keep a prediction and what is recorded of the run that made it."""
    arrays: dict[str, NDArray[np.generic]] = {
        name: value for name in ARRAYS if (value := getattr(prediction, name)) is not None
    }
    about = json.dumps({"unit": asdict(prediction.unit), "facts": asdict(facts)})
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, about=np.array(about), **arrays)
    write_atomically(prediction_path(job, cache), buffer.getvalue())


def stored_prediction(job: Job, cache: Path) -> tuple[Prediction, RunFacts] | None:
    """A job's prediction, None where there is none or it is damaged."""
    try:
        return _parse_prediction(prediction_path(job, cache))
    except (OSError, BadZipFile, ValueError, KeyError, TypeError):
        return None


def _parse_prediction(path: Path) -> tuple[Prediction, RunFacts]:
    with np.load(path, allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        arrays = {name: archive[name] for name in ARRAYS if name in archive.files}
    facts = about["facts"]
    timing = Timing(**facts["timing"])
    return (
        Prediction(unit=ScoreUnit(**about["unit"]), **arrays),
        RunFacts(facts["settings"], facts["software"], timing, tuple(facts.get("changes", ()))),
    )
