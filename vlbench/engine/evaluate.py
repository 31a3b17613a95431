"""The one evaluator: encode, score, measure, record."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vlbench.core.contracts import Checkpoint
from vlbench.core.result import Result, Timing
from vlbench.engine.encoder import Encoder
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.measure import RunFacts, record, software_versions
from vlbench.engine.plan import Job
from vlbench.engine.scoring import predict
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import store_prediction, store_result

_LONG = 8
"""Batches of images from which on a pass is long enough for a dry pass to come first."""


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


def evaluate(job: Job, session: Session, cache: Path) -> Result:
    """Run a job whose measurement is not stored; what is encoded is stored as it comes.

    Raises:
        DataError: an image does not decode.
        NotFinite: the model answers NaN or infinity.
    """
    start = time.perf_counter()
    encoder = session.encoder()
    problem, keys = job.task.problem, job.keys
    with (
        FeatureSpace(cache / "features" / keys.image_space) as image_space,
        FeatureSpace(cache / "features" / keys.text_space) as text_space,
    ):
        images = image_space.missing(keys.images)
        texts = text_space.missing(keys.texts)
        if len(images) > _LONG * encoder.batch_size:
            encoder.dry_pass(problem.images, problem.texts)
        text_seconds = _seconds(
            lambda: encoder.encode_texts(
                [problem.texts[i] for i in texts], [keys.texts[i] for i in texts], text_space
            )
        )
        image_seconds = _seconds(
            lambda: encoder.encode_images(problem.images, images, keys.images, image_space)
        )
        score_start = time.perf_counter()
        prediction = predict(
            encoder.model,
            problem,
            job.task.scoring,
            images=image_space.gather(keys.images),
            texts=text_space.gather(keys.texts),
            device=session.settings.device,
        )
    end = time.perf_counter()
    timing = Timing(
        seconds=end - start,
        encode_images_seconds=image_seconds,
        encode_texts_seconds=text_seconds,
        score_seconds=end - score_start,
        images_encoded=len(images),
        texts_encoded=len(texts),
        images_per_second=len(images) / image_seconds if images else None,
        peak_memory_bytes=_peak_memory_bytes(),
        peak_device_bytes=_peak_device_bytes(session.settings.device),
        workers=session.settings.workers,
    )
    facts = RunFacts(_recorded_settings(job, encoder), software_versions(), timing)
    store_prediction(job, prediction, facts, cache)
    result = record(job, prediction, facts, seed=session.settings.seed)
    store_result(job, result, cache)
    return result


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
