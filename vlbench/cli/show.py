"""`vlbench show`: what a task, model or collection is, who published what on it, whether it runs here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from vlbench.cards.catalogue import Catalogue, half_name, read_catalogue
from vlbench.cards.folders import Entry
from vlbench.cli.listing import include_option
from vlbench.cli.options import data_root_option, data_roots
from vlbench.core.errors import UnknownName

if TYPE_CHECKING:
    from vlbench.cards.facts import Facts


class Arguments(TypedDict):
    """What click hands over."""

    name: str
    form: str | None
    data_root: tuple[str, ...]
    include: tuple[Path, ...]


EXAMPLES = """\b
vlbench show imagenet --data-root /data
vlbench show wds/imagenet1k
vlbench show vtab+
vlbench show clip-b32 --json
"""


@click.command("show", epilog=EXAMPLES)
@click.argument("name")
@click.option("--json", "form", flag_value="json", help="Print JSON, with all published scores.")
@data_root_option
@include_option
def command(**arguments: Unpack[Arguments]) -> None:
    """Show a task, model or collection.

    Of a task: its protocol, metric and counts, other protocols of the data set, published scores, and
    whether its data are here. Of a model: its facts and published scores, and whether its weights are here.
    NAME may be an alias.
    """
    name = arguments["name"]
    catalogue = read_catalogue(arguments["include"])
    roots, task_roots = data_roots(arguments["data_root"])
    facts = list(_facts(name, catalogue, (*roots, *task_roots.values())))
    if not facts:
        others = (other for kind in catalogue.stands_for.values() for other in kind)
        advice = "`vlbench list models`, `list tasks` and `list collections` list all"
        raise UnknownName("card", name, (*catalogue.models, *catalogue.tasks, *others), advice=advice)
    if arguments["form"] == "json":
        click.echo(json.dumps([each.as_json() for each in facts], indent=1, ensure_ascii=False))
        return
    from vlbench.cli.show_text import lines

    click.echo("\n\n".join("\n".join(lines(each)) for each in facts))


def _facts(name: str, catalogue: Catalogue, roots: tuple[Path, ...]) -> "Iterator[Facts]":
    from vlbench.cards.facts import collection_facts, model_facts, task_facts

    if name in catalogue.collections:
        yield collection_facts(catalogue.collections[name], catalogue, roots)
        return
    half = half_name(name)
    model = _entry(name, catalogue.models, catalogue.stands_for["model"])
    task = _entry(name, catalogue.tasks, catalogue.stands_for["task"])
    if task is None and half is not None:
        task = _entry(half[0], catalogue.tasks, catalogue.stands_for["task"])
    if model is not None:
        yield model_facts(model)
    if task is not None:
        yield task_facts(task, catalogue, roots)


def _entry(name: str, entries: Mapping[str, Entry], stands_for: Mapping[str, Sequence[str]]) -> Entry | None:
    """The card of a name or alias."""
    if name in entries:
        return entries[name]
    meant = stands_for.get(name, ())
    return entries[meant[0]] if len(meant) == 1 else None
