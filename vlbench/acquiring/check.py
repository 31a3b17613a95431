"""Checks whether a task's data are here and match its card: sources, counts, names, a sample of images."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from vlbench.acquiring.image_sample import OpenedImages, open_sample
from vlbench.acquiring.record import differing_files
from vlbench.cards.build import open_task
from vlbench.cards.card_file import ReadCard, read_card
from vlbench.cards.card_request import Search, search_sources, unread_copies
from vlbench.cards.catalogue import Catalogue, Reference, find
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Entry
from vlbench.cards.schema import Counts, TaskCard
from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError, SourceUnread, UnknownName
from vlbench.core.label_index import NamesFound, compare_names
from vlbench.core.offline import stay_offline
from vlbench.core.reading import CAPTIONS
from vlbench.core.task import Task
from vlbench.core.task_reading import what_was_read

State = Literal["fits", "differs", "missing"]
SEED = 0
"""The seed for the sample of images that are opened."""


@dataclass(frozen=True, slots=True)
class SourceLooked:
    """A source of a card without the data: where it looked, and what to do to get them."""

    kind: str
    options: dict[str, object]
    looked: str
    advice: str


@dataclass(frozen=True, slots=True)
class SourceUsed:
    """The source with the data; `revision` is what a result would record."""

    kind: str
    options: dict[str, object]
    name: str
    revision: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many things were found, and how many the card states; `with_images` counts those with an image."""

    what: str
    found: int
    expected: int | None
    with_images: int | None = None


@dataclass(frozen=True, slots=True)
class DataCheck:
    """The local data of a task, checked. `differs` tells what is wrong; `notes` are further remarks.

    `read` is what a run would report that it read. `names` are the classes or tags of own data, each with the
    folder, label or wnid that it stands for where that is another word.
    """

    task: str
    title: str
    protocol: str
    state: State
    used: SourceUsed | None = None
    passed_over: tuple[SourceLooked, ...] = ()
    counts: tuple[Count, ...] = ()
    opened: int = 0
    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    read: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def check_data(name: str, catalogue: Catalogue, request: DataRequest, *, sample: int) -> DataCheck:
    """Look for a task's data and compare them with its card. Nothing is downloaded.

    `sample` images, chosen by a fixed seed, are decoded.

    Raises:
        UnknownName: no card has the name.
        CardError: the card or one of its data files is wrong.
    """
    found = find(catalogue, name, "task")
    asked = replace(request, allow_subset=True)
    with stay_offline():
        if isinstance(found, Reference):
            return _of_own_data(name, catalogue, asked, sample)

        return _of_card(name, found, read_card(found, TaskCard), catalogue, asked, sample)


def _of_card(
    name: str,
    entry: Entry,
    read: ReadCard[TaskCard],
    catalogue: Catalogue,
    request: DataRequest,
    sample: int,
) -> DataCheck:
    card = read.card
    check = DataCheck(name, card.title, card.protocol, "missing")
    try:
        search = search_sources(entry, read, request)
    except DataError as error:
        return replace(check, state="differs", differs=(str(error),))
    check = replace(check, used=_used(search), passed_over=tuple(_looked(search)))
    if search.source is None:
        unread = unread_copies(entry, card, request, search.passed_over)
        if any(isinstance(each, SourceUnread) for _, each in search.passed_over):
            return replace(check, state="differs", differs=unread)
        return replace(check, notes=unread)
    try:
        task = open_task(name, catalogue, request=request, search=search).task
    except (DataError, UnknownName) as error:
        return replace(check, state="differs", differs=(str(error),))
    counts = _counts(task, Counts() if entry.half else card.expect)
    names = NamesFound() if entry.half else compare_names(search.source, task.problem.texts)
    opened = open_sample(task.problem.images, _positions(len(task.problem.images), sample))
    damaged: tuple[str, ...] = ()
    if request.verify and search.fields is not None:
        damaged = differing_files(search.fields, search.source.revision, request)
    lacks = search.source.reading.lacks
    differs = (*filter(None, [lacks]), *_differences(counts), *names.differs, *_broken(opened), *damaged)
    return replace(
        check,
        state="differs" if differs else "fits",
        counts=counts,
        opened=opened.count,
        differs=differs,
        notes=(*_remarks(counts), *names.notes),
        read=_read(task, opened),
    )


def _of_own_data(name: str, catalogue: Catalogue, request: DataRequest, sample: int) -> DataCheck:
    """Check a folder without a card: there is nothing to compare with, so it is only counted and opened."""
    check = DataCheck(name, "own data", "", "missing")
    try:
        task = open_task(name, catalogue, request=request).task
    except (DataError, UnknownName) as error:
        return replace(check, differs=(str(error),))
    images = task.problem.images
    opened = open_sample(images, _positions(len(images), sample))
    differs = (*filter(None, [images.reading.lacks]), *_broken(opened))
    return replace(
        check,
        protocol=task.protocol.name,
        state="differs" if differs else "fits",
        used=SourceUsed(images.name.partition(":")[0], {}, images.name, images.revision),
        counts=_counts(task, Counts()),
        opened=opened.count,
        differs=differs,
        read=_read(task, opened),
        names=tuple(_names(task)),
    )


def _names(task: Task) -> Iterator[str]:
    """The names of the classes or tags; none for captions, of which a list would tell nothing."""
    for text in task.problem.texts if task.called != CAPTIONS else ():
        others = {each for each in text.ids.values() if each.replace("_", " ") != text.name}
        yield f"{text.name} ({', '.join(sorted(others))})" if others else text.name


def _read(task: Task, opened: OpenedImages) -> dict[str, str]:
    """What a run would report that it read; about decoding, what the sample of images shows."""
    decoding = {"decoding": opened.decoding} if opened.decoding else {}
    return {**what_was_read(task), **decoding}


def _used(search: Search) -> SourceUsed | None:
    if search.source is None or search.fields is None:
        return None
    return SourceUsed(search.fields.kind, search.fields.options, search.source.name, search.source.revision)


def _looked(search: Search) -> Iterator[SourceLooked]:
    for fields, missing in search.passed_over:
        yield SourceLooked(fields.kind, fields.options, missing.looked, missing.advice)


def _counts(task: Task, expect: Counts) -> tuple[Count, ...]:
    problem = task.problem
    with_images = None  # of captions, of which some are wrong for every image
    if task.called != CAPTIONS or problem.asked is None:
        with_images = int((problem.relevant.column_counts > 0).sum())
    images = expect.images if isinstance(problem.candidates, Dataset) else None
    return (
        Count("images", len(problem.images), images),
        Count(task.called, len(problem.texts), expect.texts, with_images),
    )


def _differences(counts: Sequence[Count]) -> Iterator[str]:
    images, texts = counts
    wrong_images = images.expected is not None and images.found != images.expected
    if wrong_images and _without_images(texts):
        yield f"{texts.with_images:,} of {texts.found:,} {texts.what} have images"
    for each in counts:
        if each.expected is not None and each.found != each.expected:
            yield f"{each.expected:,} {each.what} expected, {each.found:,} found"


def _remarks(counts: Sequence[Count]) -> Iterator[str]:
    """Remarks on complete data: some published test sets have classes without an image."""
    images, texts = counts
    if _without_images(texts) and images.expected in (None, images.found):
        yield f"{texts.with_images:,} of {texts.found:,} {texts.what} have images"


def _without_images(texts: Count) -> bool:
    return texts.with_images is not None and texts.with_images < texts.found


def _positions(count: int, sample: int) -> list[int]:
    return sorted(random.Random(SEED).sample(range(count), min(sample, count)))  # noqa: S311 - no secret


def _broken(opened: OpenedImages) -> Iterator[str]:
    yield from (f"image {each}" for each in opened.broken)
