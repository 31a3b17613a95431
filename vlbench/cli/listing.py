"""`vlbench list`: models, tasks, metrics or sources, from the index and the registries alone."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

from vlbench.cards.catalogue import Entry, read_catalogue
from vlbench.core.registry import ADAPTERS, METRICS, SOURCES, TASK_KINDS, Registry

T = TypeVar("T")
Row = Mapping[str, str | int | float | None]
REFERENCES = {"coop": "FILE", "open_clip": "ARCH/TAG", "hf-hub": "ORG/NAME", "local-dir": "FOLDER"}
"""What the built-in adapters take behind their name and a colon."""


def include_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that adds a user's folders of cards."""
    return click.option(
        "--include-path",
        "include",
        multiple=True,
        type=click.Path(path_type=Path),
        envvar="VLBENCH_INCLUDE_PATH",
        help="A folder with cards of your own (or its tasks/ and model_cards/); may be repeated.",
    )(command)


@click.command("list")
@click.argument("what", type=click.Choice(["models", "tasks", "metrics", "sources"]))
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@include_option
def command(what: str, form: str | None, include: Sequence[Path]) -> None:
    """List models, tasks, metrics or sources.

    The names are what --model and --task take, wildcards included.
    """
    rows = _rows(what, include)
    if form == "json":
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    click.echo(columns(rows))
    note = _note(what)
    if note:
        click.echo(f"\n{note}")


def columns(rows: Sequence[Row]) -> str:
    """Rows under headers, in aligned columns; numbers to the right, the last column ragged.

    >>> print(columns([{"name": "a", "n": 12}, {"name": "bc", "n": None}]))
    name   n
    a     12
    bc
    """
    if not rows:
        return "(none)"
    headers = [key for key in rows[0] if key != "file"]
    cells = [headers, *([_cell(row.get(key)) for key in headers] for row in rows)]
    numeric = [any(isinstance(row.get(key), int | float) for row in rows) for key in headers]
    widths = [max(len(line[place]) for line in cells) for place in range(len(headers))]
    lines = (
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    )
    return "\n".join(lines)


def _cell(value: str | float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _rows(what: str, include: Sequence[Path]) -> list[Row]:
    if what == "models":
        return _card_rows(read_catalogue(include).models, "adapter")
    if what == "tasks":
        return _card_rows(read_catalogue(include).tasks, "kind")
    return _registry_rows(METRICS) if what == "metrics" else _registry_rows(SOURCES)


def _card_rows(entries: Mapping[str, Entry], kind: str) -> list[Row]:
    return [
        {"name": each.name, kind: each.kind, **each.summary, "title": each.title, "file": str(each.path)}
        for each in entries.values()
    ]


def _registry_rows(registry: Registry[T]) -> list[Row]:
    return [{"name": name, "from": registry.distribution(name)} for name in registry.names()]


def _note(what: str) -> str:
    if what == "models":
        references = [f"{name}:{rest}" for name, rest in REFERENCES.items() if name in ADAPTERS]
        return f"Without a card: {', '.join(references)}"
    if what == "tasks":
        return f"On your own images, without a card: {', '.join(f'{kind}:FOLDER' for kind in TASK_KINDS)}"
    if what == "metrics":
        return "A number follows @: recall@5 is recall among the first 5, f1@0.5 at the threshold 0.5"
    return ""
