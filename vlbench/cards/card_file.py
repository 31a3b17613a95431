"""Card files read and checked: by the fields of the schema, then by what their plug-ins take."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from vlbench.cards.schema import Fields, Location, ModelCard, check_options, problems_of
from vlbench.core.errors import CardError, UnknownName
from vlbench.core.files import shown
from vlbench.core.metric_name import split_metric
from vlbench.core.registry import ADAPTERS, METRICS, SOURCES, TASK_KINDS, Registry

C = TypeVar("C", bound=Fields)
RawFields = Mapping[str, object]
EXTENDS = "extends"
OWN_FIELDS = frozenset({"aliases"})
"""Fields that a card does not take from the one it extends."""
SETTINGS: Location = ("settings",)
SPLITS = ("train", "validation")
"""Fields of a task card that name another split, with sources of its own."""


@dataclass(frozen=True, slots=True)
class ReadCard(Generic[C]):
    """A card that was held against its plug-ins, and these with their options filled in.

    `plug_ins` stand under the place where the card states their options: `("settings",)`, `("sources", 0)`,
    `("train", "sources", 0)`.
    """

    card: C
    plug_ins: Mapping[Location, Callable[..., Any]]


def parse_card(path: Path, card_type: type[C]) -> C:
    """A card by its own fields, what its plug-ins take unseen; imports no plug-in.

    Raises:
        CardError: all that is wrong, each with file and field.
    """
    return read_card(path, card_type, imports=False).card


def read_card(path: Path, card_type: type[C], *, imports: bool = True) -> ReadCard[C]:
    """A card, the options that it states held against its adapter, or its task kind and sources.

    Without `imports` no plug-in is looked at.

    Raises:
        CardError: all that is wrong, each with file and field.
        PluginError: a plug-in that it names does not import.
    """
    fields = read_fields(path)
    problems: list[str] = []
    card = None
    try:
        # as JSON a list is a tuple where one is wanted, and still no number is a string
        card = card_type.model_validate_json(json.dumps(fields, default=str))
    except ValidationError as error:
        problems += problems_of(error, fields, known=tuple(card_type.model_fields))
    plug_ins = {}
    for registry, name, name_at, options, at in _stated(fields, card_type) if imports else ():
        if not isinstance(name, str) or not isinstance(options, Mapping):
            continue  # which the schema has found
        try:
            plug_in = registry.get(name)
        except UnknownName as error:
            problems.append(f"{name_at}: {error}")
            continue
        values, wrong = check_options(plug_in, options, at)
        problems += wrong
        plug_ins[at] = partial(plug_in, **values)
    if imports and card_type is not ModelCard:
        problems += _wrong_metrics(fields)
        for what in ("names", "templates", "ids"):
            file = path.parent / str(fields.get(what))
            # a file of a folder that is not beside the card is the user's, under a data root
            if isinstance(fields.get(what), str) and file.parent.is_dir() and not file.is_file():
                problems.append(f"{what}: no file {shown(file)}; it is looked up beside the card")
    if card is None or problems:
        raise CardError("; ".join(f"{shown(path)}: {problem}" for problem in problems))
    return ReadCard(card, plug_ins)


def _stated(
    fields: RawFields, card_type: type[Fields]
) -> Iterator[tuple[Registry[Any], object, str, object, Location]]:
    """The plug-ins that a card names: a registry, a name and its place, the options and theirs."""
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


def read_mapping(path: Path) -> dict[str, object]:
    """The fields of a file of YAML 1.2, where `no` is a word.

    Raises:
        CardError: it cannot be read, is no YAML 1.2, repeats a key, or is no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CardError(f"{shown(path)}: no such file") from error
    except UnicodeDecodeError as error:
        raise CardError(f"{shown(path)}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise CardError(f"{shown(path)}:{line} {error.problem or error.context}") from error
    except YAMLError as error:
        raise CardError(f"{shown(path)}: {' '.join(str(error).split())}") from error
    if not isinstance(value, Mapping):
        raise CardError(f"{shown(path)}: holds no fields; a card is a mapping `field: value`")
    return {str(key): item for key, item in value.items()}


def _wrong_metrics(fields: RawFields) -> Iterator[str]:
    metrics = fields.get("metrics")
    if not isinstance(metrics, list):
        return
    for position, metric in enumerate(metrics):
        if not isinstance(metric, str):
            continue
        if metric in metrics[:position]:
            yield f"metrics.{position}: {metric!r} stands twice"
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
