"""The sides of a job: candidates, references and words, encoded into the store, and how they meet."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial as bind
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from torch import Tensor

from vlbench.core.capabilities import ScoresPairs, Vectors
from vlbench.core.contracts import Dataset, Text
from vlbench.core.errors import NotFinite, PluginError, Unsupported
from vlbench.core.method import Head
from vlbench.engine.cut_sentences import keep_cut
from vlbench.engine.decoding import keep_remarks, watched
from vlbench.engine.distinct import Columns
from vlbench.engine.encoder import Encoder, to_numpy
from vlbench.engine.feature_store import Features, FeatureSpace
from vlbench.engine.plan import Job
from vlbench.engine.scoring import ScoreBlocks, fresh_scores, stored_scores, vector_scores

_VECTORS = 1024
"""Features that are turned into vectors together."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What a job encodes, and where it is stored; open it with `with`.

    `missing` are the positions of the candidates that are not stored, where those are images,
    `missing_references` those of references that are neither stored nor candidates, `missing_texts` those of
    all words that are not. Where image features need more than the budget, the scores of
    each image take their place: it `streams`.
    """

    job: Job
    encoder: Encoder
    cache: Path
    images: FeatureSpace
    texts: FeatureSpace
    scores: FeatureSpace
    missing: list[int]
    missing_references: list[int]
    missing_texts: list[int]
    streams: bool
    _open: ExitStack

    @classmethod
    def of(cls, job: Job, encoder: Encoder, cache: Path, *, by_vectors: bool = False) -> "Sides":
        """The sides of a job, nothing encoded yet; `by_vectors` where a method reads those of a split."""
        keys, stack = job.keys, ExitStack()
        images, texts, scores = (
            stack.enter_context(FeatureSpace(cache / kind / space))
            for kind, space in (
                ("features", keys.image_space),
                ("features", keys.text_space),
                ("scores", keys.score_space),
            )
        )
        missing, streams = [], False
        if isinstance(job.problem.candidates, Dataset) and _reads(job, "candidates"):
            missing = images.missing(keys.candidates)
            size = 4 * math.prod(encoder.model.info.feature_shape) * len(missing)
            stays = by_vectors or job.by_vectors or not job.task.scoring.scores
            streams = size > encoder.settings.feature_bytes and not stays
            missing = scores.missing(keys.candidates) if streams else missing
        references = images.missing(keys.references) if _reads(job, "queries") else []
        coming = {keys.candidates[place] for place in missing}
        references = [place for place in references if keys.references[place] not in coming]
        missing_texts = texts.missing(_text_keys(job))
        return cls(
            job, encoder, cache, images, texts, scores, missing, references, missing_texts, streams, stack
        )

    def __enter__(self) -> "Sides":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def encode_texts(self) -> None:
        """Encode the words that are not stored, those of candidates too."""
        problem = self.job.problem
        texts = (*_text_candidates(self.job), *(problem.texts if _reads(self.job, "queries") else ()))
        keys = _text_keys(self.job)
        missing = self.missing_texts
        self.encoder.encode_texts([texts[i] for i in missing], [keys[i] for i in missing], self.texts)
        keep_cut(self.job, self.encoder.model, {keys[i]: texts[i] for i in missing}, self.cache)

    def encode_images(self) -> None:
        """Decode and encode the images that are not stored, those that queries point to too."""
        job, encoder = self.job, self.encoder
        keys = job.keys
        if self.streams:
            columns = Columns.of(self.texts.gather_padded(keys.texts), encoder.settings.device)
            score = bind(columns.scores, encoder.model.score)
            self._encode(job.problem.images, self.missing, keys.candidates, self.scores, then=score)
        else:
            self._encode(job.problem.images, self.missing, keys.candidates, self.images)
        if job.problem.references is not None:
            self._encode(job.problem.references, self.missing_references, keys.references, self.images)

    def _encode(
        self,
        source: Dataset,
        missing: list[int],
        keys: tuple[str, ...],
        space: FeatureSpace,
        then: Callable[[Tensor], Tensor] = lambda features: features,
    ) -> None:
        """Encode images of a data set, and keep what decoding changed of them."""
        found: dict[int, tuple[str, ...]] = {}
        try:
            if missing:
                self.encoder.encode_images(watched(source, found), missing, keys, space, then=then)
        finally:
            keep_remarks(self.job.keys.image_space, keys, found, self.cache)

    def candidate_vectors(self) -> Features:
        """The vectors of the candidates, [n, d]."""
        of_images = isinstance(self.job.problem.candidates, Dataset)
        return self._vectors(self.images if of_images else self.texts, self.job.keys.candidates)

    def word_vectors(self) -> Features:
        """The vectors of the queries' words, [m, d]."""
        return self._vectors(self.texts, self.job.keys.texts)

    def query_vectors(self, head: Head) -> Features:
        """One vector of each query, [m, d]: of its words, of its image, or what a head composes of both."""
        problem = self.job.problem
        with_words = np.array([query.text is not None for query in problem.queries], dtype=np.bool_)
        images = np.array([-1 if query.image is None else query.image for query in problem.queries])
        words = self.word_vectors()
        if not (images >= 0).any() and head.compose is None:
            return words
        references = self._vectors(self.images, self.job.keys.references)
        width = (references if len(references) else words).shape[1]
        by_words, by_image = (np.zeros((len(images), width), dtype=np.float32) for _ in range(2))
        if with_words.any():
            by_words[with_words] = words
        by_image[images >= 0] = references[images[images >= 0]]
        if head.compose is not None:
            return _checked(head.compose(by_image, by_words), (len(images), width))
        if (with_words & (images >= 0)).any():
            raise Unsupported(f"{self.job.task.name} asks by image and words together; nothing composes them")
        return by_words + by_image  # one of the two is zero

    def blocks(self, head: Head) -> ScoreBlocks:
        """The scores of all candidates and queries, block by block."""
        job, model, device = self.job, self.encoder.model, self.encoder.settings.device
        keys, problem = job.keys, job.problem
        if not job.task.scoring.scores:
            nothing = np.empty((len(problem.candidates), len(problem.queries)), dtype=np.float32)
            return replace(stored_scores(nothing, problem), vectors=self.candidate_vectors)
        if head.score is not None:
            scores = head.score(self.candidate_vectors())
            return stored_scores(_checked(scores, problem.relevant.shape), problem)
        if job.by_vectors:
            return vector_scores(
                self.candidate_vectors(), self.query_vectors(head), problem=problem, device=device
            )
        if self.streams:
            return stored_scores(self.scores.gather(keys.candidates), problem)
        return fresh_scores(
            model.score,
            lambda places: self.images.gather([keys.candidates[place] for place in places.tolist()]),
            self.images.leading(keys.candidates),
            texts=self.texts.gather_padded(keys.texts),
            problem=problem,
            device=device,
            score_pairs=model.score_pairs if isinstance(model, ScoresPairs) else None,
        )

    def _vectors(self, space: FeatureSpace, keys: tuple[str, ...]) -> Features:
        model = self.encoder.model
        if not isinstance(model, Vectors):
            raise PluginError(f"{model.info.name} has no vectors, as its checkpoint says; mend the adapter")
        parts = []
        with torch.inference_mode():
            for start in range(0, len(keys), _VECTORS):
                features = torch.from_numpy(space.gather_padded(keys[start : start + _VECTORS]))
                vectors = model.vectors(features.to(self.encoder.settings.device))
                parts.append(to_numpy(vectors, "vector"))
        return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _reads(job: Job, side: str) -> bool:
    return side in job.method.reads


def _text_candidates(job: Job) -> tuple[Text, ...]:
    candidates = job.problem.candidates
    return () if isinstance(candidates, Dataset) else candidates


def _text_keys(job: Job) -> tuple[str, ...]:
    """Keys of all words of a job: of candidates that are texts, then of queries."""
    keys = job.keys
    candidates = keys.candidates if _text_candidates(job) else ()
    return (*candidates, *(keys.texts if _reads(job, "queries") else ()))


def _checked(values: Features, shape: tuple[int, int]) -> Features:
    """What a method made, if it is of a shape and finite.

    Raises:
        PluginError: it has another shape.
        NotFinite: a number is NaN or infinite.
    """
    found: Features = np.ascontiguousarray(values, dtype=np.float32)
    if found.shape != shape:
        raise PluginError(f"a method made numbers of shape {found.shape} where {shape} is needed; mend it")
    if not np.isfinite(found).all():
        raise NotFinite("a method made NaN or infinity; mend it")
    return found
