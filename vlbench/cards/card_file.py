"""Reads cards and checks them against their schema and against the signatures of their plug-ins."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from vlbench.cards.folders import Collection, Entry
from vlbench.cards.options import Location, check_options, problems_of
from vlbench.cards.schema import Fields, ModelCard
from vlbench.cards.yaml_file import read_fields
from vlbench.core.errors import CardError, UnknownName
from vlbench.core.files import shown
from vlbench.core.metric_name import split_metric
from vlbench.core.registry import ADAPTERS, METRICS, SOURCES, TASK_KINDS, Registry

C = TypeVar("C", bound=Fields)
RawFields = Mapping[str, object]
SETTINGS: Location = ("settings",)
SPLITS = ("train", "validation")
"""The fields of a task card that describe another split, with its own sources."""


@dataclass(frozen=True, slots=True)
class ReadCard(Generic[C]):
    """A checked card, and its plug-ins with their options filled in.

    The keys of `plug_ins` are where the card states their options: `("settings",)`, `("sources", 0)`,
    `("train", "sources", 0)`.
    """

    card: C
    plug_ins: Mapping[Location, Callable[..., Any]]


def parse_card(of: Entry | Collection | Path, card_type: type[C]) -> C:
    """Read a card and check its own fields, not the options of its plug-ins. Imports no plug-in.

    Raises:
        CardError: all that is wrong, each with file and field.
    """
    return checked_card(*_read(of), card_type)


def read_card(of: Entry | Path, card_type: type[C]) -> ReadCard[C]:
    """Read a card and check the options that it states against its adapter, or its task kind and sources.

    Raises:
        CardError: all that is wrong, each with file and field.
        PluginError: a plug-in of the card fails to import.
    """
    path, fields = _read(of)
    problems: list[str] = []
    plug_ins = {}
    for registry, name, name_at, options, at in _stated(fields, card_type):
        if not isinstance(name, str) or not isinstance(options, Mapping):
            continue  # which the schema finds
        try:
            plug_in = registry.get(name)
        except UnknownName as error:
            problems.append(f"{name_at}: {error}")
            continue
        values, wrong = check_options(plug_in, options, at)
        problems += wrong
        plug_ins[at] = partial(plug_in, **values)
    if card_type is not ModelCard:
        problems += _wrong_metrics(fields)
        for what in ("names", "templates", "ids"):
            file = path.parent / str(fields.get(what))
            # a file of a folder that is not beside the card is the user's, under a data root
            if isinstance(fields.get(what), str) and file.parent.is_dir() and not file.is_file():
                problems.append(f"{what}: no file {shown(file)}; it is looked up beside the card")
    return ReadCard(checked_card(path, fields, card_type, problems), plug_ins)


def _read(of: Entry | Collection | Path) -> tuple[Path, RawFields]:
    return (of, read_fields(of)) if isinstance(of, Path) else (of.path, of.fields or read_fields(of.path))


def checked_card(path: Path, fields: RawFields, card_type: type[C], problems: Sequence[str] = ()) -> C:
    """Make a card from fields and check it against its schema; `problems` lists what else is wrong with it.

    Raises:
        CardError: all that is wrong, each with file and field.
    """
    told = [*problems]
    try:
        # as JSON a list is a tuple where one is wanted, and still no number is a string
        card = card_type.model_validate_json(json.dumps(fields, default=str))
    except ValidationError as error:
        told = [*problems_of(error, fields, known=tuple(card_type.model_fields)), *problems]
    if told:
        raise CardError("; ".join(f"{shown(path)}: {problem}" for problem in told))
    return card


def _stated(
    fields: RawFields, card_type: type[Fields]
) -> Iterator[tuple[Registry[Any], object, str, object, Location]]:
    """The plug-ins in a card: registry, name and its location, options and their location."""
    settings = fields.get("settings", {})
    if card_type is ModelCard:
        yield ADAPTERS, fields.get("adapter"), "adapter", settings, SETTINGS
        return
    splits: tuple[Location, ...] = ((), *((each,) for each in SPLITS))
    for split in splits:
        part = fields.get(str(split[0])) if split else fields
        sources = part.get("sources") if isinstance(part, Mapping) else None
        for position, source in enumerate(sources if isinstance(sources, list) else ()):
            if isinstance(source, Mapping):
                at = (*split, "sources", position)
                options = {key: value for key, value in source.items() if key != "kind"}
                yield SOURCES, source.get("kind"), ".".join(map(str, (*at, "kind"))), options, at
    yield TASK_KINDS, fields.get("kind"), "kind", settings, SETTINGS


def _wrong_metrics(fields: RawFields) -> Iterator[str]:
    metrics = fields.get("metrics")
    if not isinstance(metrics, list):
        return
    for position, metric in enumerate(metrics):
        if not isinstance(metric, str):
            continue
        if metric in metrics[:position]:
            yield f"metrics.{position}: {metric!r} is listed twice"
        try:
            name, _ = split_metric(metric)
        except CardError as error:
            yield f"metrics.{position}: {error}"
            continue
        if name not in METRICS:
            unknown = UnknownName("metric", name, METRICS.names(), advice="`vlbench list metrics` lists all")
            yield f"metrics.{position}: {unknown}"
    primary = fields.get("primary")
    if isinstance(primary, str) and primary not in metrics:
        yield f"primary: {primary!r} is not one of the metrics; add it to them"
