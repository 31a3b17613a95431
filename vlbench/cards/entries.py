"""The entries of cards: what the catalogue and `list` show of each card."""

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from vlbench.cards.folders import BESIDE_CARD, DATA, DATASET, MODEL, PROGRAM, CardKind, Collection, Entry
from vlbench.cards.yaml_file import read_fields, read_mapping
from vlbench.core.errors import CardError
from vlbench.core.files import shown

_NEEDED: Mapping[str, frozenset[str]] = {
    "task": frozenset({"title", "kind", "protocol", "primary", "sources"}),
    "model": frozenset({"title", "adapter"}),
    "collection": frozenset({"title", "tasks"}),
}
"""The fields that an entry needs."""


def read_entry(
    path: Path, kind: CardKind | None, read: dict[Path, dict[str, object]], *, check: bool
) -> Entry:
    """The entry of a card; kind None means to recognise it by its fields.

    `read` holds files that were read before. With `check`, or if a needed field is missing, the card is
    checked against its schema.

    Raises:
        CardError: the file is not a card, or a wrong one.
    """
    fields: dict[str, Any] = read_fields(path, read)
    if kind is None and "adapter" not in fields and "kind" not in fields:
        raise CardError(f"{shown(path)}: neither `kind` (a task card) nor `adapter` (a model card); add one")
    found = kind or ("model" if "adapter" in fields else "task")
    _check(path, fields, found, check=check)
    if found == "model":
        numbers = {key: fields.get(key) for key in ("parameters", "image_size", "gflops")}
        summary = {"family": fields.get("family", ""), **numbers}
        kind_of, places = fields["adapter"], _model_places(fields)
    else:
        expect = fields.get("expect", {})
        summary = {key: fields[key] for key in ("protocol", "primary")}
        summary |= {key: expect.get(key) for key in ("images", "texts")}
        kind_of, places = fields["kind"], _source_places(fields["sources"])
    aliases = tuple(fields.get("aliases", ()))
    return Entry(path.stem, path, fields["title"], kind_of, summary, aliases, places, fields=fields)


def read_collection(path: Path, known: Container[str], *, check: bool) -> Collection:
    """Read a collection, whose tasks must be `known`.

    Raises:
        CardError: the file is wrong, has the name of a task, or names a task that does not exist.
    """
    fields: dict[str, Any] = read_mapping(path)
    _check(path, fields, "collection", check=check)
    named = fields.get("metrics", {}).items()
    metrics = {task: (each,) if isinstance(each, str) else tuple(each) for task, each in named}
    tasks = tuple(fields["tasks"])
    weights = _weights(path, fields, metrics)
    if path.stem in known:
        raise CardError(f"{path}: a task is called {path.stem!r}; rename the file")
    missing = [task for task in (*tasks, *metrics) if task not in known]
    if missing:
        raise CardError(f"{path}: no card for {', '.join(missing[:3])}; add it, or correct the name")
    return Collection(path.stem, path, fields["title"], tasks, metrics, weights, fields)


def _check(path: Path, fields: Mapping[str, object], what: str, *, check: bool) -> None:
    if check or not _NEEDED[what] <= fields.keys():
        # pydantic takes longer to import than all cards that ship take to be read
        from vlbench.cards.card_file import checked_card
        from vlbench.cards.collection_card import SCHEMAS

        checked_card(path, fields, SCHEMAS[what])


def _weights(
    path: Path, fields: Mapping[str, Any], metrics: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """The weight of each task in a collection's average; empty if all are equal.

    Raises:
        CardError: weights do not cover all averaged tasks, or groups do not contain each task once.
    """
    stated, groups = fields.get("weights", {}), list(fields.get("groups", {}).values())
    averaged = sorted(task for task in fields["tasks"] if metrics.get(task, True))
    grouped = [task for tasks in groups for task in tasks]
    for name, told in (("weights", [*stated]), ("groups", grouped)):
        if told and sorted(told) != averaged:
            odd = next(task for task in [*averaged, *told] if told.count(task) != averaged.count(task))
            raise CardError(
                f"{shown(path)}: {name}: {odd} stands there {told.count(odd)} times; "
                "name each task that is averaged once, and no other"
            )
    if not stated and not grouped:
        return {}
    weights = {task: float(stated.get(task, 1)) for task in averaged}
    return {
        task: weights[task] / sum(weights[each] for each in tasks)
        for tasks in groups or [averaged]
        for task in tasks
    }


def _source_places(sources: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The places where the data of sources may be, each once."""
    found: list[str] = []
    for options in sources:
        paths = options.get("path")
        if isinstance(paths, str | list):
            found += [f"{DATA}:{path}" for path in ([paths] if isinstance(paths, str) else paths)]
        else:
            repository = options.get("repo")
            found.append(f"{DATASET}:{repository}" if repository else f"{PROGRAM}:{options['kind']}")
    return tuple(dict.fromkeys(found))


def _model_places(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The places where the weights of a model may be: next to its card or in the hub's cache.

    Empty if not stated.
    """
    settings = fields.get("settings", {})
    packaged = settings.get("directory", settings.get("context"))
    if isinstance(packaged, str):
        return (f"{BESIDE_CARD}:{packaged}",)
    repository, file = settings.get("repository"), settings.get("file")
    if weights := fields.get("weights"):
        repository, file = weights["repo"], weights.get("file")
    if not isinstance(repository, str):
        return ()
    return (f"{MODEL}:{repository}/{file}" if isinstance(file, str) else f"{MODEL}:{repository}",)
