"""The one evaluator: encode, learn, score, measure, record."""

import resource
import sys
import time
from functools import partial as bind
from pathlib import Path

import torch

from vlbench.core.capabilities import DecidesTags
from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import PluginError
from vlbench.core.machine import enough_memory
from vlbench.core.method import Head, Lesson, Split
from vlbench.core.registry import SCORINGS
from vlbench.core.result import Timing
from vlbench.core.scoring import Scoring
from vlbench.engine.chunk import Features
from vlbench.engine.job import Job, uses
from vlbench.engine.measure import (
    Measured,
    RunFacts,
    check_head,
    check_stated,
    decided,
    measure,
    software_versions,
)
from vlbench.engine.scoring import predict
from vlbench.engine.session import Session, Spent
from vlbench.engine.settings import RunSettings
from vlbench.engine.sides import image_vectors, score_blocks, word_vectors
from vlbench.engine.stored import (
    store_measurement,
    store_prediction,
    stored_measurement,
    stored_prediction,
)


def evaluate(job: Job, session: Session) -> tuple[Job, Measured]:
    """Run a job that has no stored measurement. Return the job with all of its keys, and the measurement.

    Features are stored as they are encoded. Splits that a method learns from are encoded first; the job's
    timing does not include them.

    Raises:
        DataError: an image does not decode, or a threshold is outside the unit of the model's scores.
        NotFinite: the model answers NaN or infinity.
    """
    if job.task.thresholds is not None:
        check_stated(job, session.executor.model.info.unit)
    session.spent = Spent()
    if not job.keys.measurement:
        job = session.locate(job)
        found = stored_measurement(job, session.cache)
        if found is not None:
            return job, found
    start = time.perf_counter()
    with session.aside():
        late = job.learn_from if job.decides_late else {}
        learned = {split: _prediction(each, session)[0] for split, each in late.items()}
    session.spent.start += time.perf_counter() - start
    prediction, facts = _prediction(job, session)
    found = measure(job, *decided(job, prediction, facts, learned))
    store_measurement(job, found, session.cache)
    return job, found


def _prediction(job: Job, session: Session) -> tuple[Prediction, RunFacts]:
    """The prediction that a job's metrics read: the stored one, or a new one from scoring all candidates."""
    kept = stored_prediction(job, session.cache)
    if kept is not None:
        return kept
    model = session.executor.model
    head = _encoded(job, session)
    score_start = time.perf_counter()
    prediction = _scored(job, session, head, job.task.scoring)
    own = not job.by_vectors  # a model's thresholds are in the unit of its own scores
    if own and isinstance(model, DecidesTags) and "scores" in prediction.arrays:
        prediction = prediction.under(model.tag_thresholds(job.problem.texts))
    if head.thresholds is not None:
        prediction = prediction.under(head.thresholds)
    end, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent, settings, executor = session.spent, session.settings, session.executor
    cuda = settings.device.startswith("cuda")
    timing = Timing(
        seconds=end - spent.start,
        encode_images_seconds=spent.image_seconds,
        encode_texts_seconds=spent.text_seconds,
        score_seconds=end - score_start,
        images_encoded=spent.images,
        texts_encoded=spent.texts,
        images_per_second=spent.images / spent.image_seconds if spent.images else None,
        peak_memory_bytes=peak if sys.platform == "darwin" else peak * 1024,
        peak_device_bytes=torch.cuda.max_memory_allocated(settings.device) if cuda else None,
        workers=settings.workers,
    )
    recorded: dict[str, str | int] = {
        "device": settings.device,
        "device_name": session.device_name,
        "precision": settings.precision,
        "preprocess": job.checkpoint.preprocess_mode,
        "batch_size": executor.batch_size,
        "text_batch_size": executor.text_batch_size,
    }
    changes, learned = model.info.changes, dict(head.learned)
    facts = RunFacts(recorded, software_versions(), timing, changes, job.row, learned)
    store_prediction(job, prediction, facts, session.cache)
    return prediction, facts


def evaluate_alone(job: Job, settings: RunSettings, cache: Path) -> None:
    """Run a job in a session of its own, by which its predictions are stored."""
    with Session(job.checkpoint, settings, cache) as session:
        evaluate(session.locate(job), session)


def listed(job: Job, settings: RunSettings, cache: Path) -> Prediction:
    """What the scoring keeps by which a table of predictions lists what the job's model finds."""
    with Session(job.checkpoint, settings, cache) as session:
        job = session.locate(job)
        return _scored(job, session, _encoded(job, session), SCORINGS.get(job.task.scoring.listed_by))


def _encoded(job: Job, session: Session) -> Head:
    """Learn what the job's method learns, and encode what lacks of its texts and images."""
    with session.aside():
        head = _learned(job, session)
    session.encode_texts(job)
    for use in uses(job):
        if use.job is job and use.read:
            session.encode_images(use)
    return head


def _scored(job: Job, session: Session, head: Head, scoring: Scoring) -> Prediction:
    unit = session.executor.model.info.unit if not job.by_vectors else ScoreUnit("cosine")
    advice = "pass a smaller --feature-gb or a --limit, or free some"
    with enough_memory(f"to score {job.task.name}", advice):
        return predict(score_blocks(job, session, head), job.problem, scoring, unit)


def _learned(job: Job, session: Session) -> Head:
    """The head that a job's method learns before scoring.

    Thresholds on the model's own scores are learned afterwards.
    """
    method = job.method
    if method.fit is None or job.decides_late:
        return Head()

    def vectors(of: Job) -> Features:
        (use,) = (use for use in uses(job) if use.job is of)
        session.encode_images(use)
        return image_vectors(use, session)

    def words() -> Features:
        if "queries" not in method.reads:
            raise PluginError(
                f"method {method.name!r} asks for words and says it reads none; mend its `reads`"
            )
        session.encode_texts(job)
        return word_vectors(job, session)

    def prediction(of: Job) -> Prediction:
        return _prediction(of, session)[0]

    splits = {
        name: Split(each.problem, bind(vectors, each), bind(prediction, each))
        for name, each in job.learn_from.items()
    }
    head = method.fit(Lesson(splits, words, job.seed, session.settings.device))
    check_head(method, head)
    return head
