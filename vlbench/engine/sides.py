"""The encoded sides of a job (candidates, references, words), and how they become scores."""

from dataclasses import replace
from functools import partial as bind

import numpy as np
import torch

from vlbench.core.capabilities import ScoresPairs
from vlbench.core.errors import NotFinite, PluginError, Unsupported
from vlbench.core.method import Head
from vlbench.engine.chunk import Features
from vlbench.engine.executors.local import to_numpy
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.job import Job, Use, uses
from vlbench.engine.remarks import cut_texts
from vlbench.engine.scoring import ScoreBlocks, fresh_scores, stored_scores, vector_scores
from vlbench.engine.session import Session

_VECTORS = 1024
"""How many features are mapped to vectors together."""


def score_blocks(job: Job, session: Session, head: Head) -> ScoreBlocks:
    """The scores of all candidates and queries of an encoded job, block by block."""
    model, device = session.executor.model, session.settings.device
    keys, problem = job.keys, job.problem
    texts = session.space("features", keys.text_space)
    stored = [session.stored_as(use) for use in uses(job) if use.dataset is problem.candidates]
    space = stored[0] if stored else texts
    sides = {
        "candidates": lambda: space.gather(keys.candidates, padded=True),
        "queries": lambda: texts.gather(keys.texts, padded=True),
    }
    if not job.task.scoring.scores:
        nothing = np.empty((len(problem.candidates), len(problem.queries)), dtype=np.float32)
        blocks = replace(stored_scores(nothing, problem), vectors=bind(_candidate_vectors, job, session))
    elif head.score is not None:
        scores = head.score(_candidate_vectors(job, session))
        blocks = stored_scores(_checked(scores, problem.relevant.shape), problem)
    elif job.by_vectors:
        queries = _query_vectors(job, session, head)
        blocks = vector_scores(_candidate_vectors(job, session), queries, problem=problem, device=device)
    elif space is session.space("scores", keys.score_space):
        blocks = stored_scores(space.gather(keys.candidates), problem)
    else:
        blocks = fresh_scores(
            model.score,
            lambda places: space.gather([keys.candidates[place] for place in places.tolist()]),
            space.leading(keys.candidates),
            texts=texts.gather(keys.texts, padded=True),
            problem=problem,
            device=device,
            score_pairs=model.score_pairs if isinstance(model, ScoresPairs) else None,
        )
    return replace(blocks, features=sides, cut=lambda: cut_texts(job, session.cache))


def image_vectors(use: Use, session: Session) -> Features:
    """The vectors of encoded images, [n, d]."""
    space = session.stored_as(use)
    stored = space is session.space("vectors", use.job.keys.image_space)
    return space.gather(use.keys) if stored else _vectors(session, space, use.keys)


def word_vectors(job: Job, session: Session) -> Features:
    """The vectors of the queries' words, [m, d]."""
    return _vectors(session, session.space("features", job.keys.text_space), job.keys.texts)


def _candidate_vectors(job: Job, session: Session) -> Features:
    for use in uses(job):
        if use.dataset is job.problem.candidates:
            return image_vectors(use, session)
    return _vectors(session, session.space("features", job.keys.text_space), job.keys.candidates)


def _query_vectors(job: Job, session: Session, head: Head) -> Features:
    """One vector for each query, [m, d]: of its words, of its image, or composed of both by a head."""
    problem = job.problem
    with_words = np.array([query.text is not None for query in problem.queries], dtype=np.bool_)
    images = np.array([-1 if query.image is None else query.image for query in problem.queries])
    words = word_vectors(job, session)
    if not (images >= 0).any() and head.compose is None:
        return words
    references = np.empty((0, 0), dtype=np.float32)
    for use in uses(job):
        if use.dataset is problem.references:
            references = image_vectors(use, session)
    width = (references if len(references) else words).shape[1]
    by_words, by_image = (np.zeros((len(images), width), dtype=np.float32) for _ in range(2))
    if with_words.any():
        by_words[with_words] = words
    by_image[images >= 0] = references[images[images >= 0]]
    if head.compose is not None:
        return _checked(head.compose(by_image, by_words), (len(images), width))
    if (with_words & (images >= 0)).any():
        raise Unsupported(f"{job.task.name} asks by image and words together; nothing composes them")
    return by_words + by_image  # one of the two is zero


def _vectors(session: Session, space: FeatureSpace, keys: tuple[str, ...]) -> Features:
    """The vectors of stored features, [n, d]."""
    executor, parts = session.executor, []
    with torch.inference_mode():
        for start in range(0, len(keys), _VECTORS):
            features = torch.from_numpy(space.gather(keys[start : start + _VECTORS], padded=True))
            parts.append(to_numpy(executor.vectors(features.to(executor.settings.device)), "vector"))
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _checked(values: Features, shape: tuple[int, int]) -> Features:
    """Check that what a method made has this shape and is finite.

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
