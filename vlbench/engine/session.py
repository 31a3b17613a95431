"""Session: one model for the jobs of a request. Each image and text is encoded once for all of them."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vlbench.core.contracts import Checkpoint, Placement
from vlbench.core.errors import VlbenchError
from vlbench.core.image import keep_keys, known_keys, read_keys
from vlbench.engine.chunk import How, Reduction
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.executors.pool import Pool
from vlbench.engine.executors.spread import SpreadExecutor, executor_of
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.image_pass import ImagePass, Sink
from vlbench.engine.job import Job, Use, uses
from vlbench.engine.passes import Executor, encode_passes
from vlbench.engine.plan import located
from vlbench.engine.remarks import keep_cut, keep_decoding
from vlbench.engine.settings import RunSettings
from vlbench.engine.stored import stored_measurement

_LONG = 8
"""A run with at least this many batches of images begins with a dry pass."""


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
    """A model and its stores for several jobs; use it in a `with` statement.

    `jobs` are those that still have to run: each image is encoded once for all of them. `executor` is this
    process's, which scores. `encoder` encodes images: the same one, or the workers of a `pool`.
    """

    checkpoint: Checkpoint
    settings: RunSettings
    cache: Path
    jobs: Sequence[Job] = ()
    pool: Pool | None = None
    executor: LocalExecutor = field(init=False)
    encoder: Executor = field(init=False)
    spent: Spent = field(default_factory=Spent)
    _ahead: dict[str, tuple[Spent, VlbenchError | None]] = field(default_factory=dict)
    _is_ahead: bool = False
    _own: Pool | None = None
    _spaces: dict[str, FeatureSpace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        placement = Placement(self.settings.device, self.settings.precision)
        self.executor = LocalExecutor(lambda: self.checkpoint.load(placement), self.settings)
        pool = self.pool or Pool(self.settings)
        self._own = None if self.pool else pool
        self.encoder = executor_of(self.executor, self.checkpoint, pool)

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            self._own.close()
        for space in self._spaces.values():
            space.close()

    @property
    def device_name(self) -> str:
        """The name of the device, or those of the workers' devices where some have started."""
        if isinstance(self.encoder, SpreadExecutor) and self.encoder.pool.device_names:
            return ", ".join(self.encoder.pool.device_names)
        device = self.settings.device
        return torch.cuda.get_device_name(device) if device.startswith("cuda") else device

    def space(self, kind: How, key: str) -> FeatureSpace:
        """The store of features, vectors or scores under a key; it is opened once."""
        place = f"{kind}/{key}"
        if place not in self._spaces:
            self._spaces[place] = FeatureSpace(self.cache / place, self.checkpoint.name)
        return self._spaces[place]

    def locate(self, job: Job) -> Job:
        """The job with all of its keys. Images that no table has are read, and encoded in the same pass.

        Raises:
            DataError: an image does not decode.
        """
        while (known := located(job, self.cache)) is None:  # again, where a table of keys goes meanwhile
            for use in sorted(uses(job), key=lambda use: use.job is job):  # what it learns from comes first
                if known_keys(use.images, self.cache) is not None:
                    continue
                with nullcontext() if use.job is job else self.aside():
                    if use.read:
                        self.encode_images(use)
                    else:
                        keep_keys(use.images, read_keys(use.dataset), self.cache)
        return known

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave what is encoded inside this block out of the job's timing: splits that it learns from."""
        own, self.spent = self.spent, Spent()
        try:
            yield
        finally:
            self.spent = own

    def encode_texts(self, job: Job) -> None:
        """Encode those texts of a job that are not stored: words of queries, and candidates that are
        texts."""
        texts = job.words
        space = self.space("features", job.keys.text_space)
        keys = [key for key in texts if key not in space]
        if not keys:
            return
        with self._timed("text_seconds"):
            for positions, features in self.executor.encode_texts([texts[key] for key in keys]):
                space.append([keys[i] for i in positions], features, f"texts of {job.task.name}")
            keep_cut(job, self.executor.model, {key: texts[key] for key in keys}, self.cache)
        self.spent.texts += len(keys)

    def encode_images(self, use: Use) -> None:
        """Encode the images of a data set for all jobs, if the job that uses them lacks something.

        Several workers encode those of all jobs at once, the longest pass first, so that none is idle.

        Raises:
            DataError: an image does not decode.
            NotFinite: the model answers NaN or infinity.
            WorkersLost: workers died again and again.
        """
        if self.encoder is not self.executor:
            self._encode_ahead()
            if self._is_done_ahead(use):
                return
        one = self._begun(use)
        if one is None:
            return
        with self._timed("image_seconds"), self._ending(use, one):
            encode_passes(self.encoder, [one])
        self.spent.images += one.done.encoded
        if one.done.error is not None:
            raise one.done.error

    def _encode_ahead(self) -> None:
        """Encode the images of all jobs that are not measured; what that took is kept by data set."""
        if self._is_ahead:
            return
        self._is_ahead = True
        start, own = time.perf_counter(), self.spent
        wanted = [job for job in self.jobs if stored_measurement(job, self.cache) is None]
        found = {use.images.states: use for job in wanted for use in uses(job) if use.read}
        begun: list[tuple[Use, ImagePass, Spent]] = []
        for use in sorted(found.values(), key=lambda use: -use.images.count):
            self.spent = Spent()
            try:
                one = self._begun(use)
            except VlbenchError as error:  # it is raised when its turn comes, after what can be measured
                self._ahead[use.images.states] = self.spent, error
                continue
            if one is not None:
                begun.append((use, one, self.spent))
        self.spent = own
        encoding = time.perf_counter()
        with ExitStack() as stack:
            for use, one, _ in begun:
                stack.enter_context(self._ending(use, one))
            encode_passes(self.encoder, [one for _, one, _ in begun])
        seconds, images = time.perf_counter() - encoding, sum(one.done.encoded for _, one, _ in begun)
        for use, one, spent in begun:
            spent.images = one.done.encoded
            spent.image_seconds = seconds * spent.images / max(1, images)
            self._ahead[use.images.states] = spent, one.done.error
        own.start += time.perf_counter() - start

    def _is_done_ahead(self, use: Use) -> bool:
        """Count what was encoded ahead for the first that asks; whether that is all that a share is to do."""
        if use.images.states not in self._ahead:
            return False
        ahead, error = self._ahead[use.images.states]
        self._ahead[use.images.states] = Spent(), error
        self.spent.start -= ahead.image_seconds + ahead.text_seconds
        for what in ("images", "texts", "image_seconds", "text_seconds"):
            setattr(self.spent, what, getattr(self.spent, what) + getattr(ahead, what))
        if error is not None:
            raise error
        return self.settings.share is not None

    def _begun(self, use: Use) -> ImagePass | None:
        """The pass over a data set for all jobs; None where the one that uses it lacks nothing."""
        keys = use.keys or known_keys(use.images, self.cache)
        if keys is not None:
            space = self.stored_as(use)
            if all(key in space for key in keys):
                return None
        sinks = self._sinks(use)
        texts = use.job.problem.texts
        one = ImagePass(use.dataset, keys, sinks, self.settings.chunk_size, self.settings.share)
        long = len(one.lacking()) > _LONG * self.executor.batch_size
        if (keys is not None or not any(len(each.space) for each in sinks)) and (
            long and texts and use.beyond[0] == "scores"
        ):
            self.executor.dry_pass(use.dataset, texts)
        return one

    @contextmanager
    def _ending(self, use: Use, one: ImagePass) -> Iterator[None]:
        """Keep what was read of a pass: remarks however it ends, keys where it is done."""
        done, keys, share = one.done, one.keys, one.share
        try:
            yield
        finally:
            keep_decoding(use.job, done.remarks, self.cache)
        if done.error is not None:
            return
        if share is not None:
            of_share = done.keys if keys is None else [keys[i] for i in share.places(len(keys), one.size)]
            keep_keys(use.images, of_share, self.cache, (share, one.size))
        elif keys is None:
            keep_keys(use.images, done.keys, self.cache)

    def stored_as(self, use: Use) -> FeatureSpace:
        """The store for the images of a data set: features, or else vectors or scores.

        Features are stored unless those of all images exceed the budget of bytes. If all are stored already,
        they are used.
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
        """What all jobs need of the images of a data set; the job that uses them comes first."""
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
