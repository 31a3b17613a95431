"""Turns a task card into a request to its kind: texts, counts, and the first source that has the data."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vlbench.cards.card_file import ReadCard
from vlbench.cards.class_half import class_half
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Entry
from vlbench.cards.options import Location, check_options, option_names
from vlbench.cards.own_texts import texts_in_place
from vlbench.cards.schema import SourceFields, TaskCard
from vlbench.cards.texts import card_names, find_descriptions, find_text_file, read_templates
from vlbench.core.contracts import Dataset, Place, Text
from vlbench.core.dataset import as_dataset
from vlbench.core.errors import CardError, DataError, SourceMissing, SourceUnread
from vlbench.core.label_index import compare_names
from vlbench.core.method import SplitName
from vlbench.core.offline import stay_offline
from vlbench.core.outside_name import inner_folder, inner_path
from vlbench.core.registry import SOURCES
from vlbench.core.task import Expectation, TaskRequest

PATH = "path"
_NAMED = 2
"""How many sources an error lists in full."""


@dataclass(frozen=True, slots=True)
class Search:
    """A card, and the data set of its first source that has the data; None if none has.

    `fields` are the card's fields for that source; `passed_over` are the sources before it, each with the
    places it looked at.
    """

    entry: Entry
    read: ReadCard[TaskCard]
    source: Dataset | None
    fields: SourceFields | None
    passed_over: tuple[tuple[SourceFields, SourceMissing], ...]


def search_sources(
    entry: Entry, read: ReadCard[TaskCard], request: DataRequest, split: SplitName | None = None
) -> Search:
    """Try the sources of a card, or of a split that it names, in order, up to the first that has the data.

    Nothing is downloaded after a source that finds its data and cannot read them.

    Raises:
        DataError: a source finds damaged data.
    """
    part = read.card if split is None else getattr(read.card, split)
    at: Location = ("sources",) if split is None else (split, "sources")
    stated = [(fields, read.plug_ins[(*at, position)]) for position, fields in enumerate(part.sources)]
    if request.roots_by_task and (folder := request.folder_of(entry.name, entry.aliases)) is not None:
        stated = on_folder(folder, part.sources, entry.name)
    place = request.place(entry.path.parent)
    passed_over: list[tuple[SourceFields, SourceMissing]] = []
    with ExitStack() as network:
        for fields, factory in stated:
            try:
                source = as_dataset(factory(place))
            except SourceMissing as error:
                passed_over.append((fields, error))
                if isinstance(error, SourceUnread):  # which a user may mend: nothing large is fetched instead
                    network.enter_context(stay_offline())
            else:
                return Search(entry, read, source, fields, tuple(passed_over))
    return Search(entry, read, None, None, tuple(passed_over))


def card_request(search: Search, request: DataRequest, split: SplitName | None = None) -> TaskRequest:
    """The request of a card to its task kind, for the half of its classes in the entry.

    It is about the data that were found for the card, or for a `split` of it, which has its own counts. The
    split is part of the protocol: it enters the settings, which the protocol digest covers.

    Raises:
        CardError: the file of names or templates is wrong.
        DataError: no source has the data, its names lie in another order than those that its numbers mean, or
            descriptions are missing or wrong.
        Unsupported: a half is asked for and an image has no class.
    """
    entry, card, source = search.entry, search.read.card, search.source
    place = request.place(entry.path.parent)
    part = card if split is None else getattr(card, split)
    if source is None:
        fetched = split is None and any("repo" in each.options for each in part.sources)
        raise _found_nowhere(search, request, fetched=fetched)
    names = None if request.classnames is not None else card_names(card, place, entry.name)
    remarks: tuple[str, ...] = tuple(
        f"{fields.options.get(PATH, fields.kind)} is passed over: {error.why}"
        for fields, error in search.passed_over
        if isinstance(error, SourceUnread)
    )
    if request.classnames is not None or request.descriptions is not None or card.descriptions is not None:
        descriptions = request.descriptions
        if descriptions is None and card.descriptions is not None:
            descriptions = find_descriptions(card.descriptions, place, entry.name)
        names, of_texts = texts_in_place(
            names,
            lambda: card_names(card, place, entry.name) or (),
            source,
            request,
            descriptions=descriptions,
            task=entry.name,
            kind=card.kind,
        )
        remarks += of_texts
    if request.classnames is None and source.offers.names and len(source):
        remarks = (*_told_of_names(entry.name, source, names or source.offers.names), *remarks)
    templates = request.templates
    if templates is None and card.templates is not None:
        templates = find_text_file(card.templates, place, entry.name)
    images = card.expect.images if split is None else getattr(card, split).images
    asked = TaskRequest(
        name=entry.name,
        protocol=card.protocol,
        source=source,
        names=names,
        templates=None if templates is None else read_templates(templates),
        metrics=card.metrics,
        primary=card.primary,
        expect=Expectation(images=images, texts=card.expect.texts),
        allow_subset=request.allow_subset,
        settings={**card.settings, "split": part.split} if part.split else card.settings,
        remarks=remarks,
    )
    if entry.half is None:
        return asked
    return class_half(asked, entry.half)


def _found_nowhere(search: Search, request: DataRequest, *, fetched: bool) -> DataError:
    """The error for data that no source has; `fetched` tells whether `vlbench data get` can download them."""
    name = search.entry.name
    if unread := unread_copies(search.entry, search.read.card, request, search.passed_over):
        return DataError(f"{name}: {unread[0]}")
    looked = no_data(search.passed_over, f", which `vlbench data check {name}` names")
    get = f", or `vlbench data get {name}`" if fetched else ""
    return DataError(f"{name}: {looked}{get}, or name the very folder: --data-root {name}=FOLDER")


def _told_of_names(task: str, source: Dataset, names: Sequence[Text]) -> tuple[str, ...]:
    """How the names of the data differ from a card's.

    Raises:
        DataError: they lie in another order, by which labels that are numbers would mean other classes.
    """
    found = compare_names(source, names)
    if found.moved:
        raise DataError(
            f"{task}: {source.name}: {found.moved}, so labels, which are numbers, would mean other "
            "classes; give the numbers of the data by --classnames FILE.tsv with the header "
            "`name<TAB>number`, mend the names beside the images, or use another copy"
        )
    return found.differs


def unread_copies(
    entry: Entry,
    card: TaskCard,
    request: DataRequest,
    passed_over: Sequence[tuple[SourceFields, SourceMissing]],
) -> tuple[str, ...]:
    """The copies that are there and cannot be read, as a source or the card knows, each with what to do.

    Raises:
        CardError: the path of one leads out of the data root.
    """
    named = request.folder_of(entry.name, entry.aliases)
    found = [f"{each.looked}; {each.advice}" for _, each in passed_over if isinstance(each, SourceUnread)]
    for path, said in card.unread.items():
        inside = Path(inner_path(path, f"{entry.name}: unread", CardError))
        places = [root / inside for root in request.roots]
        if named is not None:
            places = [named.expanduser().joinpath(*inside.parts[1:])]
        found += [f"{place} {said}" for place in places if place.exists()]
    return tuple(dict.fromkeys(found))


def no_data(passed_over: Sequence[tuple[SourceFields, SourceMissing]], others: str = "") -> str:
    """The error text if no source has the data: the first places tried, and how many `others` there are.

    What several places ask to do `so that` something is, is said once.
    """
    named = passed_over[:_NAMED]
    looked = "; ".join(missing.looked for _, missing in named)
    ways: dict[str, dict[str, None]] = {}
    for _, missing in named:
        way, mark, aim = missing.advice.partition(" so that ")
        ways.setdefault(way + mark, {})[aim] = None
    advice = ", or ".join(way + " or ".join(aims) for way, aims in ways.items())
    count = len(passed_over) - len(named)
    more = f"; and in {count} more places{others}" if count else ""
    return f"no data found: {looked}{more}; {advice}"


def on_folder(
    folder: Path, sources: Sequence[SourceFields], task: str
) -> list[tuple[SourceFields, Callable[[Place], Any]]]:
    """The sources that take a path, each once, applied to the folder that a user names.

    The folder first stands for the first part of a path: of `imagenet/val`, it may hold `val`, which would
    pass for a class in a folder of class folders. Then it stands for the whole path.

    Raises:
        DataError: no source takes a path.
        CardError: a source's path leads out of the data root.
    """
    named = folder.expanduser().absolute()
    above: list[tuple[SourceFields, Path]] = []
    for source in sources:
        path = source.options.get(PATH)
        if isinstance(path, str) and not Path(path).expanduser().is_absolute():
            parts = Path(inner_folder(path, f"{task}: a source's path", CardError)).parts
            above.append((source, named.joinpath(*parts[1:])))
    found: dict[str, tuple[SourceFields, Callable[[Place], Any]]] = {}
    for source, place in (*above, *((source, named) for source in sources)):
        factory = SOURCES.get(source.kind)
        if PATH in option_names(factory):
            moved = SourceFields.model_validate({**source.options, "kind": source.kind, PATH: str(place)})
            options, _ = check_options(factory, moved.options)
            same = json.dumps(moved.model_dump(), sort_keys=True)
            found.setdefault(same, (moved, partial(factory, **options)))
    if not found:
        kinds = ", ".join(source.kind for source in sources)
        raise DataError(f"{task}: its data come from {kinds}, not from a folder; leave out --data-root")
    return list(found.values())
