"""Session: one model for the jobs of a request. Each image and text is encoded once for all of them."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Placement
from vlbench.core.image import keep_keys, known_keys, read_keys
from vlbench.engine.chunk import How, Reduction
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.job import Job, Use, uses
from vlbench.engine.passes import Done, Sink, chunk_size, encode_images, lacking_places
from vlbench.engine.plan import located
from vlbench.engine.remarks import keep_cut, keep_decoding
from vlbench.engine.settings import RunSettings

_LONG = 8
"""Batches of images from which on a run is long enough for a dry pass to come first."""


@dataclass(slots=True)
class Spent:
    """How many images and texts a job has encoded since its start, and how long that took."""

    start: float = field(default_factory=time.perf_counter)
    images: int = 0
    texts: int = 0
    image_seconds: float = 0.0
    text_seconds: float = 0.0


@dataclass(slots=True)
class Session(AbstractContextManager["Session"]):
    """A model and its stores, for several jobs; use it in a `with` statement.

    `jobs` are all that are still to be run: each image is encoded once for the needs of all of them.
    """

    checkpoint: Checkpoint
    settings: RunSettings
    cache: Path
    jobs: Sequence[Job] = ()
    executor: LocalExecutor = field(init=False)
    spent: Spent = field(default_factory=Spent)
    _spaces: dict[str, FeatureSpace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        placement = Placement(self.settings.device, self.settings.precision)
        self.executor = LocalExecutor(lambda: self.checkpoint.load(placement), self.settings)

    def __exit__(self, *_: object) -> None:
        for space in self._spaces.values():
            space.close()

    def space(self, kind: How, key: str) -> FeatureSpace:
        """The store of features, vectors or scores under one key; it is opened once."""
        place = f"{kind}/{key}"
        if place not in self._spaces:
            self._spaces[place] = FeatureSpace(self.cache / place)
        return self._spaces[place]

    def locate(self, job: Job) -> Job:
        """The job with all of its keys; images that are in no table are read, and encoded in the same pass.

        Raises:
            DataError: an image does not decode.
        """
        known = located(job, self.cache)
        if known is None:
            for use in sorted(uses(job), key=lambda use: use.job is job):  # what it learns from comes first
                if known_keys(use.images, self.cache) is not None:
                    continue
                with nullcontext() if use.job is job else self.aside():
                    if use.read:
                        self.encode_images(use)
                    else:
                        keep_keys(use.images, read_keys(use.dataset), self.cache)
            known = located(job, self.cache)
        assert known is not None
        return known

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do not count what is encoded of splits that a job learns from."""
        own, self.spent = self.spent, Spent()
        try:
            yield
        finally:
            self.spent = own

    def encode_texts(self, job: Job) -> None:
        """Encode the words of a job that are not stored, those of candidates too."""
        texts = job.words
        space = self.space("features", job.keys.text_space)
        keys = [key for key in texts if key not in space]
        if not keys:
            return
        with self._timed("text_seconds"):
            for positions, features in self.executor.encode_texts([texts[key] for key in keys]):
                space.append([keys[i] for i in positions], features)
            keep_cut(job, self.executor.model, {key: texts[key] for key in keys}, self.cache)
        self.spent.texts += len(keys)

    def encode_images(self, use: Use) -> None:
        """Encode the images of a data set for all jobs, where the one that uses them lacks something.

        Raises:
            DataError: an image does not decode.
            NotFinite: the model answers NaN or infinity.
        """
        keys = use.keys or known_keys(use.images, self.cache)
        if keys is not None:
            space = self.stored_as(use)
            if all(key in space for key in keys):
                return
        sinks = self._sinks(use)
        texts = use.job.problem.texts
        if keys is not None or not any(len(each.space) for each in sinks):
            count = len(lacking_places(use.images.count, keys, sinks))
            if count > _LONG * self.executor.batch_size and texts and use.beyond[0] == "scores":
                self.executor.dry_pass(use.dataset, texts)
        done = Done()
        try:
            with self._timed("image_seconds"):
                encode_images(self.executor, use.dataset, keys, sinks, done)
        finally:
            self.spent.images += done.encoded
            keep_decoding(use.job, done.remarks, self.cache)
        share = self.settings.share
        if share is not None:
            size = chunk_size(self.settings)
            of_share = done.keys if keys is None else [keys[i] for i in share.places(len(keys), size)]
            keep_keys(use.images, of_share, self.cache, (share, size))
        elif keys is None:
            keep_keys(use.images, done.keys, self.cache)

    def stored_as(self, use: Use) -> FeatureSpace:
        """The store of a data set's images: of features, or else of vectors or scores.

        Features are stored unless those of all its images need more bytes than the budget. Where all are
        there already, they are used.
        """
        features = self.space("features", use.job.keys.image_space)
        row_bytes = features.row_bytes or 4 * math.prod(self.executor.model.info.feature_shape)
        if use.images.count * row_bytes <= self.settings.feature_bytes:
            return features
        keys = use.keys or known_keys(use.images, self.cache)
        if keys is not None and all(key in features for key in keys):
            return features
        return self.space(*use.beyond)

    def _sinks(self, use: Use) -> list[Sink]:
        """What all jobs need of a data set's images, the job that uses them first."""
        found: dict[Path, Sink] = {}
        for each in (use, *(other for job in self.jobs for other in uses(job))):
            if not each.read:
                continue
            space = self.stored_as(each)
            before = found.get(space.folder)
            if before is not None and before.places is None:
                continue
            places = None
            if each.images.states != use.images.states:
                theirs = {example.key or example.state for example in each.dataset.examples}
                mine = enumerate(use.dataset.examples)
                places = frozenset(i for i, one in mine if (one.key or one.state) in theirs)
                if not places:
                    continue
                places |= frozenset() if before is None or before.places is None else before.places
            keys, texts = each.job.keys, None
            features = self.space("features", keys.image_space)
            how = "features" if space is features else each.beyond[0]
            if how == "scores":
                self.encode_texts(each.job)
                texts = self.space("features", keys.text_space).gather(keys.texts, padded=True)
            found[space.folder] = Sink(Reduction(how, texts), space, places)
        return list(found.values())

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start, loading = time.perf_counter(), self.executor.load_seconds
        try:
            yield
        finally:  # a model that was loaded meanwhile is not of this job alone
            loading = self.executor.load_seconds - loading
            self.spent.start += loading
            seconds = time.perf_counter() - start - loading
            setattr(self.spent, what, getattr(self.spent, what) + seconds)
