"""Card files read and checked: by the fields of the schema, then by what their plug-ins take."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from vlbench.cards.options import Location, PlugIn, Problem, as_json, check_options, problems_of
from vlbench.cards.schema import CollectionCard, Fields, ModelCard, TaskCard
from vlbench.cards.yaml_file import read_mapping, shown
from vlbench.core.errors import CardError, UnknownName
from vlbench.core.metric_name import split_metric
from vlbench.core.registry import ADAPTERS, METRICS, SOURCES, TASK_KINDS

C = TypeVar("C", bound=Fields)
RawFields = Mapping[str, object]
EXTENDS = "extends"
OWN_FIELDS = frozenset({"aliases"})
"""Fields that a card does not take from the one it extends."""

FindPlugIn = Callable[[str], PlugIn]


def parse_task_card(path: Path) -> TaskCard:
    """A task card by its own fields, what its plug-ins take unseen; imports no plug-in.

    Raises:
        CardError: all that is wrong, each with file and field.
    """
    return _read(path, TaskCard, lambda _: ())


def parse_model_card(path: Path) -> ModelCard:
    """A model card by its own fields, what its adapter takes unseen; imports no adapter.

    Raises:
        CardError: all that is wrong, each with file and field.
    """
    return _read(path, ModelCard, lambda _: ())


def read_task_card(path: Path) -> TaskCard:
    """A task card, its sources' options and its settings held against their plug-ins.

    Raises:
        CardError: all that is wrong, each with file and field.
        PluginError: a plug-in that it names does not import.
    """
    return _read(path, TaskCard, lambda fields: _task_problems(fields, path.parent))


def read_model_card(path: Path) -> ModelCard:
    """A model card, its settings held against its adapter.

    Raises:
        CardError: all that is wrong, each with file and field.
        PluginError: the adapter does not import.
    """
    return _read(path, ModelCard, _model_problems)


def read_collection_card(path: Path) -> CollectionCard:
    """A collection of tasks; whether their cards are there is the catalogue's to say.

    Raises:
        CardError: all that is wrong, with file and field.
    """
    return _read(path, CollectionCard, lambda _: ())


def read_fields(path: Path) -> dict[str, object]:
    """A card's fields as the file states them, those of the card that it extends filled in.

    Raises:
        CardError: the file, or the card beside it that it extends, cannot be read; that one extends another.
    """
    fields = read_mapping(path)
    base = fields.get(EXTENDS)
    if not isinstance(base, str):
        return fields
    origin = path.parent / f"{base}.yaml"
    if not origin.is_file():
        raise CardError(f"{shown(path)}: {EXTENDS}: no card {shown(origin)}; name one of the same folder")
    inherited = read_mapping(origin)
    if EXTENDS in inherited:
        raise CardError(
            f"{shown(path)}: {EXTENDS}: {base} itself extends {inherited[EXTENDS]}; name that one"
        )
    return {key: value for key, value in inherited.items() if key not in OWN_FIELDS} | fields


def _read(path: Path, card_type: type[C], further: Callable[[RawFields], Iterable[Problem]]) -> C:
    fields = read_fields(path)
    problems: list[Problem] = []
    card = None
    try:
        card = card_type.model_validate_json(as_json(fields))
    except ValidationError as error:
        problems.extend(problems_of(error, fields, known=tuple(card_type.model_fields)))
    problems.extend(further(fields))
    if card is None or problems:
        raise CardError("; ".join(f"{shown(path)}: {problem}" for problem in problems))
    return card


def _task_problems(fields: RawFields, folder: Path) -> Iterator[Problem]:
    yield from _source_problems(fields.get("sources"), ("sources",))
    for split in ("train", "validation"):
        stated = fields.get(split)
        if isinstance(stated, Mapping):
            yield from _source_problems(stated.get("sources"), (split, "sources"))
    yield from _settings_problems(TASK_KINDS.get, fields, "kind")
    yield from _metric_problems(fields)
    for what in ("names", "templates", "ids"):
        file = fields.get(what)
        # a file of a folder that is not beside the card is the user's, under a data root
        if isinstance(file, str) and (folder / file).parent.is_dir() and not (folder / file).is_file():
            yield Problem((what,), f"no file {shown(folder / file)}; it is looked up beside the card")


def _source_problems(sources: object, field: Location) -> Iterator[Problem]:
    for position, source in enumerate(sources if isinstance(sources, list) else ()):
        if isinstance(source, Mapping) and isinstance(source.get("kind"), str):
            options = {key: value for key, value in source.items() if key != "kind"}
            at = (*field, position)
            yield from _plug_in_problems(SOURCES.get, source["kind"], options, name_at=(*at, "kind"), at=at)


def _model_problems(fields: RawFields) -> Iterator[Problem]:
    yield from _settings_problems(ADAPTERS.get, fields, "adapter")


def _settings_problems(find: FindPlugIn, fields: RawFields, key: str) -> Iterator[Problem]:
    name, settings = fields.get(key), fields.get("settings", {})
    if isinstance(name, str) and isinstance(settings, Mapping):
        yield from _plug_in_problems(find, name, settings, name_at=(key,), at=("settings",))


def _plug_in_problems(
    find: FindPlugIn, name: str, options: RawFields, *, name_at: Location, at: Location
) -> tuple[Problem, ...]:
    try:
        plug_in = find(name)
    except UnknownName as error:
        return (Problem(name_at, str(error)),)
    return check_options(plug_in, options, at).problems


def _metric_problems(fields: RawFields) -> Iterator[Problem]:
    metrics = fields.get("metrics")
    if not isinstance(metrics, list):
        return
    for position, metric in enumerate(metrics):
        if not isinstance(metric, str):
            continue
        if metric in metrics[:position]:
            yield Problem(("metrics", position), f"{metric!r} stands twice")
        try:
            name, _ = split_metric(metric)
        except CardError as error:
            yield Problem(("metrics", position), str(error))
            continue
        if name not in METRICS:
            unknown = UnknownName("metric", name, METRICS.names(), advice="`vlbench list metrics` lists all")
            yield Problem(("metrics", position), str(unknown))
    primary = fields.get("primary")
    if isinstance(primary, str) and primary not in metrics:
        yield Problem(("primary",), f"{primary!r} is not one of the metrics; add it to them")
