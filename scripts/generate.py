"""Write what is derived from cards, registries and commands, or check that it is fresh.

Usage: python scripts/generate.py [--check]
"""

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from catalogue_pages import FOLDER, catalogue_pages, table
from pydantic import BaseModel

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.folders import FOLDERS, CardKind, built_in_folder
from vlbench.cards.options import PlugIn, option_schema
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.cards.texts import VOCABULARIES, read_names
from vlbench.cli.main import group
from vlbench.core.registry import ADAPTERS, METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS, Registry

T = TypeVar("T")
DISTRIBUTION = "vlbench"
WIDTH = 100
FIELD: dict[CardKind, str] = {"task": "Kind", "model": "Adapter"}
VOCABULARY_OF = {"wnid": "imagenet"}
"""A vocabulary of ids, and the task whose names it is made of."""


def main(arguments: list[str]) -> int:
    """Write or check every derived file; 1 if a checked one is stale."""
    root = built_in_folder()
    stale = []
    files = derived(root)
    for path, text in files.items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(root)))
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in superfluous(root, files):
        stale.append(str(path.relative_to(root)))
        if "--check" not in arguments:
            path.unlink()
    if not stale:
        print("generated files are fresh")
        return 0
    if "--check" in arguments:
        print(f"stale: {', '.join(stale)}; run python scripts/generate.py", file=sys.stderr)
        return 1
    print(f"written: {', '.join(stale)}")
    return 0


def derived(root: Path) -> dict[Path, str]:
    """Every derived file under a checkout, with the text it should have."""
    tasks = root / FOLDERS["task"]
    vocabularies = {
        tasks / VOCABULARIES / f"{vocabulary}.tsv": vocabulary_text(
            tasks / "names" / f"{task}.tsv", vocabulary
        )
        for vocabulary, task in VOCABULARY_OF.items()
    }
    return {
        **vocabularies,
        root / "docs" / "schema" / "task.json": schema_text(task_schema()),
        root / "docs" / "schema" / "model.json": schema_text(model_schema()),
        root / "docs" / "cards.md": cards_page(root),
        root / "docs" / "cli.md": commands_page(),
        **{root / path: text for path, text in catalogue_pages().items()},
    }


def superfluous(root: Path, files: Mapping[Path, str]) -> list[Path]:
    """Pages of cards that are no more."""
    return [path for path in sorted((root / FOLDER).rglob("*.md")) if path not in files]


def vocabulary_text(names: Path, vocabulary: str) -> str:
    """The vocabulary of a names file's ids: `id`, `name`."""
    lines = [f"{text.ids[vocabulary]}\t{text.name}" for text in read_names(names)]
    return "\n".join(["id\tname", *lines]) + "\n"


def task_schema() -> dict[str, Any]:
    """JSON Schema of task cards; a known source or kind brings its own options."""
    schema = card_schema(TaskCard)
    schema["$defs"]["SourceFields"]["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": with_field("kind", plug_in_schema(plug_in, schema)),
        }
        for name, plug_in in built_in(SOURCES)
    ]
    schema["allOf"] = [
        *settings_rules(TASK_KINDS, "kind", schema),
        {"if": {"required": ["extends"]}, "else": {"required": schema.pop("required")}},
    ]
    return schema


def model_schema() -> dict[str, Any]:
    """JSON Schema of model cards; a known adapter brings its own settings."""
    schema = card_schema(ModelCard)
    schema["allOf"] = list(settings_rules(ADAPTERS, "adapter", schema))
    return schema


def card_schema(card: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of a card by its own fields."""
    schema = card.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def settings_rules(registry: Registry[T], field: str, schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """For every built-in plug-in: where a card's field names it, `settings` are its options."""
    for name, plug_in in built_in(registry):
        options = plug_in_schema(plug_in, schema)
        required = ["settings"] if options.get("required") else []
        yield {
            "if": {"properties": {field: {"const": name}}, "required": [field]},
            "then": {"properties": {"settings": options}, "required": required},
        }


def plug_in_schema(plug_in: PlugIn, schema: dict[str, Any]) -> dict[str, Any]:
    """Options of a plug-in as a schema; the types it defines move to the whole schema's `$defs`."""
    options = option_schema(plug_in)
    schema.setdefault("$defs", {}).update(options.pop("$defs", {}))
    options["description"] = first_line(plug_in)
    return options


def with_field(field: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options beside a field that is no option itself."""
    return {**options, "properties": {field: {}, **options.get("properties", {})}}


def schema_text(schema: Mapping[str, Any]) -> str:
    """A schema as JSON text."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def cards_page(root: Path) -> str:
    """The page of all cards and plug-ins."""
    parts = ["# Cards and plug-ins\n\nGenerated by `python scripts/generate.py`; do not edit."]
    catalogue = read_catalogue(folders={root / name: kind for kind, name in FOLDERS.items()})
    for kind, folder_name in FOLDERS.items():
        entries = list((catalogue.tasks if kind == "task" else catalogue.models).values())
        summary = list(entries[0].summary)
        rows = [
            [f"[`{each.name}`](../{folder_name}/{each.path.name})", each.title, each.kind]
            + ["" if each.summary[key] is None else str(each.summary[key]) for key in summary]
            for each in entries
        ]
        headers = ["Name", "Title", FIELD[kind], *(key.replace("_", " ") for key in summary)]
        parts.append(f"## {kind.capitalize()}s\n\n{table(headers, rows)}")
    parts.extend(fields_part(title, card) for title, card in (("task", TaskCard), ("model", ModelCard)))
    parts.append(plug_ins_part("Sources", "the further fields of one of a task card's `sources`", SOURCES))
    parts.append(plug_ins_part("Task kinds", "the `settings` of a task card", TASK_KINDS))
    parts.append(plug_ins_part("Adapters", "the `settings` of a model card", ADAPTERS))
    parts.append(plug_ins_part("Methods", "what `--method NAME:OPTION=VALUE` takes", METHODS))
    rows = [[f"`{name}`", first_line(METRICS.get(name).run)] for name, _ in built_in(METRICS)]
    parts.append(f"## Metrics\n\n{table(['Name', 'What'], rows)}")
    rows = [
        [f"`{name}`", first_line(SCORINGS.get(name).run), ", ".join(sorted(SCORINGS.get(name).keeps))]
        for name in SCORINGS
        if SCORINGS.distribution(name) == DISTRIBUTION
    ]
    parts.append(f"## Scorings\n\n{table(['Name', 'What', 'Keeps'], rows)}")
    return "\n\n".join(parts) + "\n"


def fields_part(title: str, card: type[BaseModel]) -> str:
    """A section of the page: the fields of a card."""
    schema = card.model_json_schema()
    required = schema.get("required", ())
    rows = [
        [f"`{field}`", type_text(of, schema), "yes" if field in required else "", of.get("description", "")]
        for field, of in schema["properties"].items()
    ]
    return f"## Fields of a {title} card\n\n{table(['Field', 'Type', 'Required', 'What'], rows)}"


def plug_ins_part(title: str, what: str, registry: Registry[T]) -> str:
    """A section of the page: each plug-in's first line, and the options it takes."""
    rows = []
    for name, plug_in in built_in(registry):
        schema = option_schema(plug_in)
        required = schema.get("required", ())
        options = [
            f"`{option}: {type_text(of, schema)}"
            + ("`" if option in required else f" = {as_text(of['default'])}`")
            for option, of in schema.get("properties", {}).items()
        ]
        rows.append([f"`{name}`", first_line(plug_in), "<br>".join(options)])
    return f"## {title}\n\nOptions are {what}.\n\n{table(['Name', 'What', 'Options'], rows)}"


def type_text(of: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A type of a JSON Schema in a few words; Python's own spelling differs by version."""
    if "$ref" in of:
        return type_text(schema["$defs"][of["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in of:
        return " | ".join(type_text(each, schema) for each in of["anyOf"])
    if "enum" in of or "const" in of:
        return " | ".join(as_text(value) for value in of.get("enum", [of.get("const")]))
    if of.get("type") == "array":
        return f"list of {type_text(of.get('items', {}), schema)}"
    if of.get("type") == "object":
        inner = of.get("additionalProperties")
        return f"mapping to {type_text(inner, schema)}" if isinstance(inner, Mapping) else "mapping"
    return str(of.get("type", "any"))


def as_text(value: object) -> str:
    """A value as YAML would write it in a line."""
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value


def commands_page() -> str:
    """The page of the command line: the help of every command and of those below it."""
    head = "# Command line\n\nGenerated by `python scripts/generate.py`; do not edit."
    return "\n\n".join([head, *help_parts(group, "vlbench", None)]) + "\n"


def help_parts(command: click.Command, name: str, parent: click.Context | None) -> list[str]:
    """A command's help, and that of the commands below it."""
    words = command.context_settings.get("help_option_names")
    context = click.Context(
        command,
        parent=parent,
        info_name=name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=words,
    )
    parts = [help_part(command, context)]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            inner = command.get_command(context, below)
            if inner is not None:
                parts += help_parts(inner, below, context)
    return parts


def help_part(command: click.Command, context: click.Context) -> str:
    """A command's help under its path."""
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {context.command_path}\n\n```\n{text}\n```"


def built_in(registry: Registry[T]) -> list[tuple[str, Callable[..., object]]]:
    """The plug-ins that ship with vlbench, by name."""
    names = [name for name in registry.names() if registry.distribution(name) == DISTRIBUTION]
    return [(name, function(registry.get(name))) for name in names]


def function(plug_in: object) -> Callable[..., object]:
    """A plug-in as the function it is."""
    if not callable(plug_in):
        raise TypeError(f"{plug_in!r} is no function")
    return plug_in


def first_line(plug_in: object) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(plug_in) or "").split("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
