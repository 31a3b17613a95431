"""`vlbench list`: what the cards and the registries have."""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Unpack

import click

from vlbench.cards.availability import first_place
from vlbench.cards.catalogue import Catalogue, read_catalogue
from vlbench.cards.folders import Entry
from vlbench.cli.flags import flags
from vlbench.cli.output import answer_text, terminal_width
from vlbench.core.errors import UnknownName
from vlbench.core.registry import ADAPTERS, METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS, Registry
from vlbench.core.scoring import Scoring
from vlbench.options import Keywords, Options
from vlbench.report.table import Table

Row = Mapping[str, object]
REFERENCES = {
    "coop": "FILE",
    "open_clip": "ARCH/TAG",
    "hf-hub": "ORG/NAME",
    "local-dir": "FOLDER",
    "timm": "NAME",
}
"""What the built-in adapters take after their name and a colon."""
UNPRINTED = frozenset({"file", "aliases", "collections", "members"})
"""Fields of the JSON rows that the table does not show."""
REGISTRIES: Mapping[str, Registry[Any]] = {
    "metrics": METRICS,
    "methods": METHODS,
    "scorings": SCORINGS,
    "sources": SOURCES,
}
SCREEN = 40
"""Of so many rows, columns below one another are read together."""
FILTERS = {
    "models": {"kind", "family", "local"},
    "tasks": {"kind", "collection", "local"},
    "collections": {"local"},
    **{name: set[str]() for name in REGISTRIES},
}
"""The filters of each list."""


class Plural(click.Choice[str]):
    """Words in the plural; the singular is taken for it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word as it is listed."""
        return super().convert(f"{value}s" if f"{value}s".lower() in self.choices else value, param, ctx)


EXAMPLES = """\b
vlbench list tasks --kind tagging --local --data-root /data
vlbench list tasks --collection vtab
vlbench list models --family openai --json
"""


@click.command("list", epilog=EXAMPLES)
@click.argument("what", type=Plural(list(FILTERS), case_sensitive=False))
@click.option("--kind", metavar="NAME", help="Tasks of a kind (tagging), or models of an adapter (clip).")
@click.option("--family", metavar="NAME", help="Models of a family, such as openai or laion.")
@click.option("--collection", metavar="NAME", help="Tasks of a collection, such as vtab.")
@click.option(
    "--local",
    is_flag=True,
    help="Only what is here: data under --data-root, weights next to the card, or in the hub's cache.",
)
@flags("data_root")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@flags("include_path")
def command(
    what: str,
    kind: str | None,
    family: str | None,
    collection: str | None,
    local: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    **options: Unpack[Keywords],
) -> None:
    """List models, tasks, collections, metrics, methods, scorings or sources.

    These names are what --model, --task and --method take; models and tasks also by wildcard. --local only
    checks whether a place exists; `vlbench data check TASK` counts what is in it.
    """
    given = {"kind": kind, "family": family, "collection": collection, "local": local}
    if surplus := sorted({name for name, value in given.items() if value} - FILTERS[what]):
        raise click.UsageError(f"--{surplus[0]} is not a filter of `list {what}`")
    if what in REGISTRIES:
        rows = _registry_rows(what)
    else:
        read = Options.of(options)
        catalogue = read_catalogue(read.include_path)
        here = _here(read) if local else _unasked
        if what == "collections":
            rows = list(_collection_rows(catalogue, here))
        elif what == "models":
            catalogue.stands_for("model")  # refuses names that mean two things
            models = _chosen(_chosen(catalogue.models.values(), "adapter", kind), "family", family)
            rows = list(_card_rows(models, "adapter", here=here))
        else:
            catalogue.stands_for("task")
            tasks = _chosen(_of_collection(catalogue, collection), "kind", kind)
            rows = [
                {**row, "collections": catalogue.collections_of(str(row["name"]))}
                for row in _card_rows(tasks, "kind", here=here)
            ]
    if as_json:
        answer_text(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    answer_text(
        Table.of(rows, without=UNPRINTED).text(ruled=False, width=terminal_width(), below=len(rows) <= SCREEN)
    )
    note = _note(what)
    if note:
        answer_text(f"\n{note}")


Here = Callable[[Entry], str | None]
"""A function of a card: where its data or weights are on this machine, or None."""


def _unasked(entry: Entry) -> str:  # noqa: ARG001 - nobody looks
    return ""


def _here(options: Options) -> Here:
    own = options.task_roots

    def look(entry: Entry) -> str | None:
        folder = next((own[name] for name in (entry.name, *entry.aliases) if name in own), None)
        if folder is not None and folder.exists():
            return str(folder)
        place = first_place(entry, options.data_root)
        return None if place is None else place.shown

    return look


def _card_rows(entries: Iterable[Entry], kind: str, *, here: Here) -> Iterator[Row]:
    for each in entries:
        place = here(each)
        if place is not None:
            row = {"name": each.name, kind: each.kind, **each.summary, "title": each.title}
            found = {"here": place} if place else {}
            yield {**row, "aliases": each.aliases, **found, "file": str(each.path)}


def _of_collection(catalogue: Catalogue, name: str | None) -> list[Entry]:
    if name is None:
        return list(catalogue.tasks.values())
    if name not in catalogue.collections:
        advice = "`vlbench list collections` lists all"
        raise UnknownName("collection", name, catalogue.collections, advice=advice)
    return [catalogue.tasks[task] for task in catalogue.collections[name].tasks]


def _chosen(entries: Iterable[Entry], field: str, wanted: str | None) -> list[Entry]:
    """The entries whose kind or summary has the wanted value; all if none is wanted."""
    given = list(entries)
    if wanted is None:
        return given
    values = {each.name: each.summary.get(field, each.kind) for each in given}
    if wanted not in values.values():
        known = sorted({str(value) for value in values.values() if value})
        raise UnknownName(field, wanted, known, advice=f"known: {', '.join(known)}")
    return [each for each in given if values[each.name] == wanted]


def _collection_rows(catalogue: Catalogue, here: Here) -> Iterator[Row]:
    """Collections. With --local, only those with tasks whose data are here, and how many are."""
    for each in catalogue.collections.values():
        found = [task for task in each.tasks if here(catalogue.tasks[task]) is not None]
        if found:
            counted = {"here": len(found)} if here is not _unasked else {}
            row = {"name": each.name, "tasks": len(each.tasks), **counted, "title": each.title}
            yield {**row, "members": each.tasks, "file": str(each.path)}


def _registry_rows(what: str) -> list[Row]:
    """What is registered, from which package; for methods and scorings with their first docstring line."""
    registry = REGISTRIES[what]
    rows: list[Row] = [{"name": name, "from": registry.distribution(name)} for name in registry.names()]
    if what == "methods":
        return [{**row, **_of_method(METHODS.get(str(row["name"])))} for row in rows]
    if what == "scorings":
        return [{**row, **_of_scoring(SCORINGS.get(str(row["name"])))} for row in rows]
    return rows


def _of_method(method: Callable[..., object]) -> Row:
    """The settings of a method with their defaults (`alpha=1.0`), if any, and what the method does."""
    none = (None, inspect.Parameter.empty)
    stated = inspect.signature(method).parameters.values()
    settings = [each.name if each.default in none else f"{each.name}={each.default}" for each in stated]
    return {"settings": ", ".join(settings), "what": _first_line(method)}


def _of_scoring(scoring: Scoring) -> Row:
    return {"keeps": ", ".join(sorted(scoring.keeps)), "what": _first_line(scoring.run)}


def _first_line(function: Callable[..., object]) -> str:
    """The first line of a function's docstring, without the full stop."""
    return (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")


def _note(what: str) -> str:
    if what == "models":
        references = [f"{name}:{rest}" for name, rest in REFERENCES.items() if name in ADAPTERS]
        return f"Without a card: {', '.join(references)}"
    if what == "tasks":
        return f"On your own images, without a card: {', '.join(f'{kind}:FOLDER' for kind in TASK_KINDS)}"
    if what == "methods":
        return "Settings follow a colon: --method NAME:SETTING=VALUE,SETTING=VALUE"
    if what == "metrics":
        return "A number follows @: recall@5 is recall among the first 5, f1@0.5 at the threshold 0.5"
    return ""
