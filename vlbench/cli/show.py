"""`vlbench show`: what a card states, and where its data are looked for."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlbench.cards.catalogue import Catalogue, read_catalogue
from vlbench.cli.listing import columns, include_option
from vlbench.core.errors import UnknownName

if TYPE_CHECKING:
    from vlbench.cards.facts import ModelFacts, Quoted, Sought, TaskFacts

INDENT = 16
WIDTH = 100
TABLES = frozenset({"published", "sources"})
"""Fields of a card that are printed at the end, a line each."""


@click.command("show")
@click.argument("name")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option(
    "--data-root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    envvar="VLBENCH_DATA",
    help="A folder that holds data sets; may be repeated.",
)
@include_option
def command(name: str, form: str | None, roots: Sequence[Path], include: Sequence[Path]) -> None:
    """Show a model or task card.

    Prints its fields, its published scores or its protocol, and where its data are looked for.
    """
    catalogue = read_catalogue(include)
    facts = list(_facts(name, catalogue, roots))
    if not facts:
        known = (*catalogue.models, *catalogue.tasks)
        raise UnknownName(
            "card", name, known, advice="`vlbench list models` and `vlbench list tasks` list all"
        )
    if form == "json":
        click.echo(json.dumps([each.as_json() for each in facts], indent=1, ensure_ascii=False))
        return
    click.echo("\n\n".join("\n".join(_lines(each)) for each in facts))


def _facts(name: str, catalogue: Catalogue, roots: Sequence[Path]) -> "Iterator[ModelFacts | TaskFacts]":
    from vlbench.cards.facts import model_facts, task_facts

    if name in catalogue.models:
        yield model_facts(catalogue.models[name])
    if name in catalogue.tasks:
        yield task_facts(catalogue.tasks[name], roots)


def _lines(facts: "ModelFacts | TaskFacts") -> Iterator[str]:
    from vlbench.cards.facts import TaskFacts

    yield f"{facts.name}: {facts.card['title']}"
    yield _line("file", facts.file)
    quoted = {"names": facts.names, "templates": facts.templates} if isinstance(facts, TaskFacts) else {}
    for field, value in facts.card.items():
        if value and field != "title" and field not in TABLES:
            quote = quoted.get(field)
            text = _pairs(value) if isinstance(value, Mapping) else _plain(value)
            yield _line(field, text if quote is None else _quote(quote))
    published = facts.card.get("published")
    if isinstance(published, list) and published:
        yield "published:"
        yield textwrap.indent(columns(published), "  ")
    if isinstance(facts, TaskFacts):
        yield "data, the first that is there:"
        for source in facts.data:
            yield from _source_lines(source)


def _line(field: str, text: str) -> str:
    """A field and its value, wrapped under the value; long words (addresses, digests) stay whole."""
    return textwrap.fill(
        f"  {field:<{INDENT}}{text}",
        width=WIDTH,
        subsequent_indent=" " * (INDENT + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(value: object) -> str:
    """A value on one line, as YAML would write it within a line."""
    if isinstance(value, Mapping):
        return f"{{{_pairs(value)}}}"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return str(value)


def _pairs(value: Mapping[str, object]) -> str:
    return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items() if item is not None)


def _quote(quoted: "Quoted") -> str:
    more = ", ..." if quoted.count > len(quoted.first) else ""
    return f"{quoted.count} in {quoted.file}: {', '.join(quoted.first)}{more}"


def _source_lines(source: "Sought") -> Iterator[str]:
    yield f"  {source.kind:<{INDENT}}{_pairs(source.options)}".rstrip()
    for place in source.places:
        yield f"  {'':<{INDENT}}{'found' if place in source.found else 'not there'}: {place}"
