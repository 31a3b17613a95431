"""A retrieval: asks a pool by a task's prompts, leaves out what is tested, and writes the rest."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Checkpoint, Dataset
from vlbench.core.errors import DataError
from vlbench.core.image import image_digests
from vlbench.core.problem import NO_IMAGES
from vlbench.core.task import Task
from vlbench.engine.chunk import Features
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.pairs.class_file import class_files
from vlbench.pairs.encoding import encoded, encoding_job, encoding_lines
from vlbench.pairs.folder import Form, refuse_occupied, write_folder
from vlbench.pairs.hits import Hits, Side, hits_of, joined, pairs_by_class
from vlbench.pairs.likeness import Closeness, Images, Likeness, copies, near, repeated
from vlbench.pairs.nearest import nearest
from vlbench.pairs.pool import PairPool, captions_of
from vlbench.pairs.prompt import ClassPrompts, refuse_names_alone
from vlbench.pairs.report import Report, class_report
from vlbench.pairs.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for: `k` pairs a prompt on each of the `sides`, those above the `floors` alone.

    `per_class` are the most pairs of a class. `close` says what near copies are; None takes them too.
    """

    sides: tuple[Side, ...] = ("image", "text")
    k: int = 50
    floors: dict[Side, float] = field(default_factory=dict)
    per_class: int | None = None
    close: Closeness | None = field(default_factory=Closeness)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Retrieval:
    """A search of a pool for the classes of a task: which model compares, what is searched and what for.

    The pool is a data set, or holds vectors that the same model made; the report calls it `called`. No image
    of the tasks in `tested` is taken.
    """

    checkpoint: Checkpoint
    task: Task
    source: Dataset | PairPool
    called: str
    tested: Sequence[Task]
    wanted: Wanted
    settings: RunSettings
    cache: Path


def retrieve_pairs(asked: Retrieval, out: Path, form: Form, tell: Callable[[str], None]) -> Report:
    """Retrieve pairs for the classes of a task, and write them to a new folder.

    Raises:
        DataError: something lies in the folder, the data have no captions, an image does not decode, or no
            pair is left.
        Unsupported: the task has no classes, or the model encodes no captions.
    """
    refuse_occupied(out)
    refuse_names_alone(asked.checkpoint)
    prompts, wanted = ClassPrompts.of(asked.task), asked.wanted
    pooled, row = _pooled(asked, prompts, tell)
    pool, hits = pooled.pool, _searched(pooled, wanted, asked.settings.device)
    like_tests, like_others = _likenesses(asked, pooled, hits)
    hits = hits.without(_pairs_of([*like_tests, *like_others]))
    bare = [pair for pair in np.unique(hits.pair).tolist() if not pool.dataset[pair].target.captions]
    hits = hits.without(np.array(bare, dtype=np.int64))
    classes = pairs_by_class(hits, prompts.classes, prompts.of_class, wanted.per_class)
    pairs = np.unique(np.concatenate([each.pairs for each in classes]))
    if not len(pairs):
        raise DataError(
            f"no pair of {asked.called} is left for {asked.task.name}; lower the floors, or add pairs"
        )
    report = Report(
        task=asked.task.name,
        pool=asked.called,
        model=row,
        settings=asdict(wanted),
        pool_pairs=len(pool.dataset),
        prompts=len(prompts.sentences),
        pairs=len(pairs),
        classes=tuple(map(class_report, classes, class_files(prompts.classes))),
        like_tests=tuple(like_tests),
        like_others=tuple(like_others),
        remarks=(f"not taken, as without a caption: {len(bare):,} (the first: pair {bare[0]})",)
        if bare
        else (),
    )
    write_folder(out, pool, classes, prompts.sentences, report, form)
    return report


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled:
    """A pool, the vectors [q, d] of its prompts, and the images of tested tasks by name.

    These have vectors where near copies of them are looked for.
    """

    pool: PairPool
    queries: Features
    tested: dict[str, Images]


def _pooled(asked: Retrieval, prompts: ClassPrompts, tell: Callable[[str], None]) -> tuple[_Pooled, str]:
    """Encode what is not encoded, in one pass over the images of all; also the model's name in results."""
    checkpoint, source, tested, settings = asked.checkpoint, asked.source, asked.tested, asked.settings
    captions, owners = ((), None) if isinstance(source, PairPool) else captions_of(source)
    if "text" not in asked.wanted.sides:
        captions = ()
    images = NO_IMAGES if isinstance(source, PairPool) else source
    jobs = [encoding_job(checkpoint, images, prompts.sentences + captions, settings)]
    if asked.wanted.close is not None:
        jobs += [encoding_job(checkpoint, each.problem.images, (), settings) for each in tested]
    with Session(checkpoint, settings, asked.cache, jobs) as session:
        (vectors, words), *others = [encoded(job, session) for job in jobs]
        for job in jobs:
            for line in encoding_lines(job, session):
                tell(line)
    count, pool = len(prompts.sentences), source
    if not isinstance(pool, PairPool):
        of_images, of_captions = f"images of {images.name}", f"captions of {images.name}"
        pool = PairPool(pool, Rows(of_images, (vectors,)), Rows(of_captions, (words[count:],)), owners)
    parts: list[tuple[Features, ...]] = [each[:1] for each in others] or [()] * len(tested)
    of_tests = {
        each.name: Images(each.problem.images, Rows(f"images of {each.name}", part))
        for each, part in zip(tested, parts, strict=True)
    }
    return _Pooled(pool, words[:count], of_tests), jobs[0].row


def _searched(pooled: _Pooled, wanted: Wanted, device: str) -> Hits:
    """The hits of the prompts on the sides that are wanted."""
    pool, found = pooled.pool, []
    for side in wanted.sides:
        rows, owners = (pool.images, None) if side == "image" else (pool.captions, pool.owners)
        by_side = nearest(pooled.queries, rows, wanted.k, device=device)
        found.append(hits_of(by_side, side, owners, wanted.floors.get(side)))
    return joined(found)


def _likenesses(asked: Retrieval, pooled: _Pooled, hits: Hits) -> tuple[list[Likeness], list[Likeness]]:
    """What is like test images, and what is like earlier images of the pool.

    Near copies are looked for among hits alone, copies among all images that the pool reads.
    """
    pool, close, cache, device = pooled.pool, asked.wanted.close, asked.cache, asked.settings.device
    own = Images(pool.dataset, pool.images, pool.reads != "nothing")
    digests, pairs = pool.digests(hits.pair, cache), np.unique(hits.pair)
    like_tests: list[Likeness] = []
    for name, others in pooled.tested.items():
        like_tests += copies(digests, _ids_by_digest(others.dataset, cache), name)
        if close is not None:
            rest = np.setdiff1d(pairs, _pairs_of(like_tests))
            like_tests += near(own, rest, others, close, device=device, of=name)
    like_others = repeated(digests, pool.dataset, asked.called)
    if close is not None:
        rest = np.setdiff1d(pairs, _pairs_of([*like_tests, *like_others]))
        like_others += near(own, rest, own, close, device=device, of=asked.called)
    return like_tests, like_others


def _pairs_of(found: Sequence[Likeness]) -> NDArray[np.int64]:
    return np.array([each.pair for each in found], dtype=np.int64)


def _ids_by_digest(dataset: Dataset, cache: Path) -> dict[str, str]:
    ids: dict[str, str] = {}
    for digest, example in zip(image_digests(dataset, cache), dataset.examples, strict=True):
        ids.setdefault(digest, example.id)
    return ids
