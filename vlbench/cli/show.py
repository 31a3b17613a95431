"""`vlbench show`: what a task, model or collection is, its published scores, and whether it runs here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import click

from vlbench.cards.catalogue import Catalogue, Reference, half_name, read_catalogue, spelt_otherwise
from vlbench.cards.facts import Facts, collection_facts, model_facts, task_facts
from vlbench.cards.folders import CardKind, Entry
from vlbench.cli.flags import completion, flags
from vlbench.cli.output import answer_text, terminal_width
from vlbench.cli.show_text import lines
from vlbench.core.errors import UnknownName
from vlbench.core.registry import TASK_KINDS
from vlbench.options import Keywords, Options

EXAMPLES = """\b
vlbench show imagenet --data-root /data
vlbench show wds/imagenet1k
vlbench show vtab+
vlbench show clip-b32 --json
"""


@click.command("show", epilog=EXAMPLES)
@click.argument("name", shell_complete=completion("model", "task"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all published scores.")
@flags("data_root", "include_path")
def command(name: str, as_json: bool, **options: Unpack[Keywords]) -> None:  # noqa: FBT001
    """Show a task, model or collection.

    For a task: its protocol, metric and counts, other protocols of the data set, published scores, and
    whether its data are here. For a model: its facts and published scores, and whether its weights are here.
    NAME may be an alias.
    """
    read = Options.of(options)
    catalogue = read_catalogue(read.include_path)
    facts = list(_facts(name, catalogue, (*read.data_root, *read.task_roots.values())))
    if not facts:
        others = (*catalogue.stands_for("model"), *catalogue.stands_for("task"))
        advice = "`vlbench list models`, `list tasks` and `list collections` list all"
        own = Reference.of(name)
        if own and own.scheme in TASK_KINDS:
            advice = f"your own data have none; `vlbench data check {name}` tells what they are"
        known = () if own else (*catalogue.models, *catalogue.tasks, *others)
        raise UnknownName("card", name, known, advice=advice)
    if as_json:
        answer_text(json.dumps([each.as_json() for each in facts], indent=1, ensure_ascii=False))
        return
    answer_text("\n\n".join("\n".join(lines(each, terminal_width())) for each in facts))


def _facts(name: str, catalogue: Catalogue, roots: tuple[Path, ...]) -> Iterator[Facts]:
    if name in catalogue.collections:
        yield collection_facts(catalogue.collections[name], catalogue, roots)
        return
    half = half_name(name)
    model = _entry(name, catalogue, "model")
    task = _entry(name, catalogue, "task")
    if task is None and half is not None:
        task = _entry(half[0], catalogue, "task")
    if model is not None:
        yield model_facts(model)
    if task is not None:
        yield task_facts(task, catalogue, roots)


def _entry(name: str, catalogue: Catalogue, kind: CardKind) -> Entry | None:
    """The card with this name or alias."""
    entries = catalogue.models if kind == "model" else catalogue.tasks
    meant = (name,) if name in entries else catalogue.meant_by(name, kind)
    meant = meant or spelt_otherwise(name, catalogue, kind)
    return entries[meant[0]] if len(meant) == 1 else None
