"""The one evaluator: encode, score, measure, record."""

import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial as bind
from pathlib import Path

import torch

from vlbench.core.capabilities import DecidesTags
from vlbench.core.contracts import Checkpoint, Dataset, Prediction
from vlbench.core.result import Timing
from vlbench.engine.cut_sentences import keep_cut
from vlbench.engine.decision import check_stated, decided
from vlbench.engine.decoding import keep_remarks, watched
from vlbench.engine.distinct import Columns
from vlbench.engine.encoder import Encoder
from vlbench.engine.feature_store import Features, FeatureSpace
from vlbench.engine.measure import Measured, RunFacts, record, software_versions
from vlbench.engine.plan import Job
from vlbench.engine.scoring import ScoreBlocks, fresh_scores, predict, stored_scores
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import store_prediction, store_result, stored_prediction

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

    Its time is that of its own images; those that thresholds are chosen on are scored before.

    Raises:
        DataError: an image does not decode, or a threshold is outside the unit of the model's scores.
        NotFinite: the model answers NaN or infinity.
    """
    check_stated(job, session.encoder().model.info.unit)
    validation = None
    if job.validation is not None:
        validation, _ = stored_prediction(job.validation, cache) or _scored(job.validation, session, cache)
    prediction, facts = stored_prediction(job, cache) or _scored(job, session, cache)
    found = record(job, decided(job, prediction, validation), facts, seed=session.settings.seed, cache=cache)
    store_result(job, found.result, cache)
    return found


def _scored(job: Job, session: Session, cache: Path) -> tuple[Prediction, RunFacts]:
    """Score all images of a job, and keep what its metrics read."""
    start = time.perf_counter()
    encoder = session.encoder()
    problem, keys = job.task.problem, job.keys
    with (
        FeatureSpace(cache / "features" / keys.image_space) as features,
        FeatureSpace(cache / "features" / keys.text_space) as space,
        FeatureSpace(cache / "scores" / keys.score_space) as scores,
    ):
        if len(features.missing(keys.images)) > _LONG * encoder.batch_size:
            encoder.dry_pass(problem.images, problem.texts)
        missing = space.missing(keys.texts)
        text_seconds = _seconds(
            lambda: encoder.encode_texts(
                [problem.texts[i] for i in missing], [keys.texts[i] for i in missing], space
            )
        )
        keep_cut(job, encoder.model, missing, cache)
        images = _ImagePass.of(job, encoder, features, scores, space.gather_padded(keys.texts))
        found: dict[int, tuple[str, ...]] = {}
        try:
            image_seconds = _seconds(bind(images.run, watched(problem.images, found)))
        finally:
            keep_remarks(job, found, cache)
        score_start = time.perf_counter()
        prediction = predict(images.blocks(), problem, job.task.scoring, encoder.model.info.unit)
    if isinstance(encoder.model, DecidesTags) and "scores" in prediction.arrays:
        prediction = prediction.under(encoder.model.tag_thresholds(problem.texts))
    end = time.perf_counter()
    timing = Timing(
        seconds=end - start,
        encode_images_seconds=image_seconds,
        encode_texts_seconds=text_seconds,
        score_seconds=end - score_start,
        images_encoded=len(images.missing),
        texts_encoded=len(missing),
        images_per_second=len(images.missing) / image_seconds if images.missing else None,
        peak_memory_bytes=_peak_memory_bytes(),
        peak_device_bytes=_peak_device_bytes(session.settings.device),
        workers=session.settings.workers,
    )
    changes = encoder.model.info.changes
    facts = RunFacts(_recorded_settings(job, encoder), software_versions(), timing, changes)
    store_prediction(job, prediction, facts, cache)
    return prediction, facts


@dataclass(frozen=True, slots=True)
class _ImagePass:
    """The images of a job that are to be encoded, and where they go.

    Features are stored; where they need more than the budget, the scores of each image in their place.
    """

    job: Job
    encoder: Encoder
    texts: Features
    space: FeatureSpace
    missing: Sequence[int]
    streams: bool

    @classmethod
    def of(
        cls, job: Job, encoder: Encoder, features: FeatureSpace, scores: FeatureSpace, texts: Features
    ) -> "_ImagePass":
        """The pass that a job needs, into one of two spaces."""
        keys = job.keys.images
        missing = features.missing(keys)
        size = 4 * math.prod(encoder.model.info.feature_shape) * len(missing)
        if size > encoder.settings.feature_bytes:
            return cls(job, encoder, texts, scores, scores.missing(keys), streams=True)
        return cls(job, encoder, texts, features, missing, streams=False)

    def run(self, source: Dataset) -> None:
        """Decode and encode the images of a source, which are the job's."""
        encoder = self.encoder
        keys = self.job.keys.images
        if not self.streams:
            encoder.encode_images(source, self.missing, keys, self.space)
            return
        score = bind(Columns.of(self.texts, encoder.settings.device).scores, encoder.model)
        encoder.encode_images(source, self.missing, keys, self.space, then=score)

    def blocks(self) -> ScoreBlocks:
        """The scores of all images, block by block."""
        keys = self.job.keys.images
        if self.streams:
            return stored_scores(self.space.gather(keys))
        return fresh_scores(
            self.encoder.model,
            lambda places: self.space.gather([keys[place] for place in places.tolist()]),
            self.space.leading(keys),
            texts=self.texts,
            device=self.encoder.settings.device,
        )


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
