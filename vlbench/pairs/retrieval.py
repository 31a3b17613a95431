"""A retrieval: asks a pool by a task's prompts, leaves out what is tested, and writes the rest."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Checkpoint, Dataset
from vlbench.core.errors import DataError
from vlbench.core.image import image_digests
from vlbench.core.task import Task
from vlbench.engine.chunk import Features
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.pairs.class_file import class_files
from vlbench.pairs.encoding import encoded, encoding_job, encoding_lines
from vlbench.pairs.folder import refuse_occupied, write_folder
from vlbench.pairs.hits import Hits, Side, hits_of, joined, pairs_by_class
from vlbench.pairs.likeness import Closeness, Images, Likeness, copies, near, repeated
from vlbench.pairs.nearest import nearest
from vlbench.pairs.pool import Pool, captions_of
from vlbench.pairs.prompt import Prompts, refuse_names_alone
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


def retrieve_pairs(
    checkpoint: Checkpoint,
    task: Task,
    dataset: Dataset,
    tested: Sequence[Task],
    wanted: Wanted,
    settings: RunSettings,
    *,
    cache: Path,
    out: Path,
    tell: Callable[[str], None],
) -> Report:
    """Retrieve the pairs of a data set for the classes of a task and write them to a new folder.

    None of them is an image of the tasks in `tested`.

    Raises:
        DataError: something lies in the folder, the data have no captions, an image does not decode, or no
            pair is left.
        Unsupported: the task has no classes, or the model encodes no captions.
    """
    refuse_occupied(out)
    refuse_names_alone(checkpoint)
    prompts = Prompts.of(task)
    captions, owners = captions_of(dataset)
    sentences = prompts.sentences + (captions if "text" in wanted.sides else ())
    jobs = [encoding_job(checkpoint, dataset, sentences, settings)]
    if wanted.close is not None:
        jobs += [encoding_job(checkpoint, each.problem.images, (), settings) for each in tested]
    with Session(checkpoint, settings, cache, jobs) as session:
        vectors = [encoded(job, session) for job in jobs]
        for job in jobs:
            for line in encoding_lines(job, session):
                tell(line)
    images, words = vectors[0]
    pool = Pool(
        dataset,
        Rows(f"images of {dataset.name}", (images,)),
        Rows(f"captions of {dataset.name}", (words[len(prompts.sentences) :],)),
        owners,
    )
    hits = searched(pool, words[: len(prompts.sentences)], wanted, settings.device)
    digests = image_digests(dataset, cache)
    like_tests: list[Likeness] = []
    for place, each in enumerate(tested):
        like_tests += copies(digests, _ids_by_digest(each.problem.images, cache), each.name)
        if wanted.close is not None:
            others = Images(each.problem.images, Rows(f"images of {each.name}", (vectors[1 + place][0],)))
            like_tests += _near(pool, hits, like_tests, others, wanted.close, settings.device, each.name)
    hits = hits.without(_pairs_of(like_tests))
    like_others = repeated(digests, dataset)
    hits = hits.without(_pairs_of(like_others))
    if wanted.close is not None:
        own = Images(dataset, pool.images)
        found = _near(pool, hits, [], own, wanted.close, settings.device, dataset.name)
        hits, like_others = hits.without(_pairs_of(found)), [*like_others, *found]
    classes = pairs_by_class(hits, prompts.classes, prompts.of_class, wanted.per_class)
    pairs = np.unique(np.concatenate([each.pairs for each in classes]))
    if not len(pairs):
        raise DataError(f"no pair of {dataset.name} is left for {task.name}; lower the floors, or add pairs")
    files = class_files(prompts.classes)
    report = Report(
        task=task.name,
        pool=dataset.name,
        model=jobs[0].row,
        settings=asdict(wanted),
        pool_pairs=len(dataset),
        prompts=len(prompts.sentences),
        pairs=len(pairs),
        classes=tuple(map(class_report, classes, files)),
        like_tests=tuple(like_tests),
        like_others=tuple(like_others),
    )
    write_folder(out, dataset, classes, prompts.sentences, report)
    return report


def searched(pool: Pool, queries: Features, wanted: Wanted, device: str) -> Hits:
    """The hits of prompts [q, d] on the sides that are wanted."""
    found = []
    for side in wanted.sides:
        rows, owners = (pool.images, None) if side == "image" else (pool.captions, pool.owners)
        by_side = nearest(queries, rows, wanted.k, device=device)
        found.append(hits_of(by_side, side, owners, wanted.floors.get(side)))
    return joined(found)


def _near(
    pool: Pool,
    hits: Hits,
    known: Sequence[Likeness],
    others: Images,
    close: Closeness,
    device: str,
    of: str,
) -> list[Likeness]:
    """The hit pairs that are near copies of other images and not known to be like some."""
    pairs = np.setdiff1d(hits.pair, _pairs_of(known))
    places = pairs if others.dataset is pool.dataset else None
    return near(Images(pool.dataset, pool.images), pairs, others, close, device=device, of=of, places=places)


def _pairs_of(found: Sequence[Likeness]) -> NDArray[np.int64]:
    return np.array([each.pair for each in found], dtype=np.int64)


def _ids_by_digest(dataset: Dataset, cache: Path) -> dict[str, str]:
    ids: dict[str, str] = {}
    for digest, example in zip(image_digests(dataset, cache), dataset.examples, strict=True):
        ids.setdefault(digest, example.id)
    return ids
