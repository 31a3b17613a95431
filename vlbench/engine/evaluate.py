"""The one evaluator: encode, learn, score, measure, record."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial as bind
from pathlib import Path

import torch

from vlbench.core.capabilities import DecidesTags
from vlbench.core.contracts import Checkpoint, Prediction, ScoreUnit
from vlbench.core.errors import PluginError
from vlbench.core.method import Head, Lesson, Split
from vlbench.core.result import Timing
from vlbench.engine.decision import check_head, check_stated, decided, late_splits
from vlbench.engine.encoder import Encoder
from vlbench.engine.feature_store import Features
from vlbench.engine.measure import Measured, RunFacts, measure, software_versions
from vlbench.engine.plan import Job
from vlbench.engine.scoring import predict
from vlbench.engine.settings import RunSettings
from vlbench.engine.sides import Sides
from vlbench.engine.stored import store_measurement, store_prediction, stored_prediction

_LONG = 8
"""Batches of images from which on a run is long enough for a dry pass to come first."""


@dataclass(slots=True)
class Session:
    """A model for several tasks: loaded at the first that needs it, batch sizes kept from then on."""

    checkpoint: Checkpoint
    settings: RunSettings
    _encoder: Encoder | None = field(default=None)

    def encoder(self) -> Encoder:
        """The loaded model."""
        if self._encoder is None:
            torch.manual_seed(self.settings.seed)
            self._encoder = Encoder(
                self.checkpoint.load(self.settings.placement),
                self.settings,
                batch_size=self.settings.first_batch_size,
                text_batch_size=self.settings.first_text_batch_size,
            )
        return self._encoder


def evaluate(job: Job, session: Session, cache: Path) -> Measured:
    """Run a job whose measurement is not stored; what is encoded is stored as it comes.

    Its time is that of its own images; those of splits that thresholds are learned from are scored before.

    Raises:
        DataError: an image does not decode, or a threshold is outside the unit of the model's scores.
        NotFinite: the model answers NaN or infinity.
    """
    check_stated(job, session.encoder().model.info.unit)
    learned = {}
    for split, each in late_splits(job).items():
        learned[split], _ = stored_prediction(each, cache) or _scored(each, session, cache)
    prediction, facts = stored_prediction(job, cache) or _scored(job, session, cache)
    found = measure(job, decided(job, prediction, learned), facts, seed=session.settings.seed)
    store_measurement(job, found, cache)
    return found


def _scored(job: Job, session: Session, cache: Path) -> tuple[Prediction, RunFacts]:
    """Score all candidates of a job, and keep what its metrics read."""
    start = time.perf_counter()
    encoder = session.encoder()
    head = _learned(job, session, cache)
    problem = job.problem
    with Sides.of(job, encoder, cache) as sides:
        if len(sides.missing) > _LONG * encoder.batch_size and problem.texts and not job.by_vectors:
            encoder.dry_pass(problem.images, problem.texts)
        text_seconds = _seconds(sides.encode_texts)
        image_seconds = _seconds(sides.encode_images)
        score_start = time.perf_counter()
        unit = encoder.model.info.unit if not job.by_vectors else ScoreUnit("cosine")
        prediction = predict(sides.blocks(head), problem, job.task.scoring, unit)
    own = not job.by_vectors  # a model's thresholds are in the unit of its own scores
    if own and isinstance(encoder.model, DecidesTags) and "scores" in prediction.arrays:
        prediction = prediction.under(encoder.model.tag_thresholds(problem.texts))
    if head.thresholds is not None:
        prediction = prediction.under(head.thresholds)
    end = time.perf_counter()
    encoded = len(sides.missing) + len(sides.missing_references)
    timing = Timing(
        seconds=end - start,
        encode_images_seconds=image_seconds,
        encode_texts_seconds=text_seconds,
        score_seconds=end - score_start,
        images_encoded=encoded,
        texts_encoded=len(sides.missing_texts),
        images_per_second=encoded / image_seconds if encoded else None,
        peak_memory_bytes=_peak_memory_bytes(),
        peak_device_bytes=_peak_device_bytes(session.settings.device),
        workers=session.settings.workers,
    )
    changes = encoder.model.info.changes
    facts = RunFacts(_recorded_settings(job, encoder), software_versions(), timing, changes)
    store_prediction(job, prediction, facts, cache)
    return prediction, facts


def _learned(job: Job, session: Session, cache: Path) -> Head:
    """What a job's method learns before scoring: its parts but for thresholds of the model's own scores."""
    method = job.method
    if method.fit is None or job.decides_late:
        return Head()
    encoder = session.encoder()

    def vectors(of: Job) -> Features:
        with Sides.of(of, encoder, cache, by_vectors=True) as sides:
            sides.encode_images()
            return sides.candidate_vectors()

    def words() -> Features:
        if "queries" not in method.reads:
            raise PluginError(
                f"method {method.name!r} asks for words and says it reads none; mend its `reads`"
            )
        with Sides.of(job, encoder, cache) as sides:
            sides.encode_texts()
            return sides.word_vectors()

    def prediction(of: Job) -> Prediction:
        return (stored_prediction(of, cache) or _scored(of, session, cache))[0]

    splits = {
        name: Split(each.problem, bind(vectors, each), bind(prediction, each))
        for name, each in job.learn_from.items()
    }
    head = method.fit(Lesson(splits, words, job.seed, session.settings.device))
    check_head(method, head)
    return head


def _recorded_settings(job: Job, encoder: Encoder) -> dict[str, str | int]:
    settings = encoder.settings
    cuda = settings.device.startswith("cuda")
    return {
        "device": settings.device,
        "device_name": torch.cuda.get_device_name(settings.device) if cuda else settings.device,
        "precision": settings.precision,
        "preprocess": job.checkpoint.preprocess_mode,
        "batch_size": encoder.batch_size,
        "text_batch_size": encoder.text_batch_size,
    }


def _seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_device_bytes(device: str) -> int | None:
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else None
