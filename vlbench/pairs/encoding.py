"""The vectors of images and sentences by a model, through the store and the executor, as a run makes them."""

from collections.abc import Iterator

import numpy as np

from vlbench.core.contracts import Checkpoint, Dataset
from vlbench.core.problem import Problem, by_words
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import ProtocolStatement, Task
from vlbench.engine.chunk import Features
from vlbench.engine.job import Job, uses
from vlbench.engine.plan import plan_job
from vlbench.engine.remarks import noted, noted_lines
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.engine.sides import image_vectors, word_vectors
from vlbench.pairs.prompt import as_texts


def encoding_job(
    checkpoint: Checkpoint, dataset: Dataset, sentences: tuple[str, ...], settings: RunSettings
) -> Job:
    """The job that encodes a data set and some sentences, and scores nothing.

    Raises:
        Unsupported: the model has no vectors, or encodes no texts where there are sentences.
    """
    queries = by_words(as_texts(sentences))
    none = np.empty(0, dtype=np.int64)
    task = Task(
        name=dataset.name,
        kind="retrieve",
        protocol=ProtocolStatement("retrieve", "", {}),
        problem=Problem(dataset, queries, Relevance(none, none, (len(dataset), len(queries)))),
        scoring=SCORINGS.get("features"),
        metrics={},
        primary="",
    )
    return plan_job(checkpoint, task, settings)


def encoded(job: Job, session: Session) -> tuple[Features, Features]:
    """The vectors of a job's images [n, d] and sentences [m, d].

    Raises:
        DataError: an image does not decode.
        NotFinite: the model answers NaN or infinity.
    """
    known = session.locate(job)
    session.encode_texts(known)
    images = np.empty((0, 0), dtype=np.float32)
    for use in uses(known):
        session.encode_images(use)
        images = image_vectors(use, session)
    return images, word_vectors(known, session)


def encoding_lines(job: Job, session: Session) -> Iterator[str]:
    """Lines on what encoding changed or left out."""
    yield from noted_lines(job, noted(job, session.cache))
