"""Flags: those of `Options`, and those that several commands share besides."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from vlbench.core.errors import VlbenchError
from vlbench.core.limit import Limit, limit_of
from vlbench.options import DEFAULTS, FLAGS

ENCODING = ("device", "executor", "ray_address", "precision")
"""The flags of all commands that encode with workers: where, and how exactly."""
Command = TypeVar("Command", bound=Callable[..., Any])
_MOST = 1e9


class Amount(click.FloatRange):
    """A number of gigabytes, days or seconds: neither nan nor beyond what a machine counts in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert what was given."""
        number = super().convert(value, param, ctx)
        if not number <= _MOST:
            self.fail(f"{value} is no number of at most {_MOST:,.0f}.", param, ctx)
        return number


class Place(click.Path):
    """A path, with the home folder for ~: shells leave it in `--results=~/r`, and files have none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert what was given."""
        return super().convert(os.path.expanduser(value), param, ctx)  # noqa: PTH111 - it may be a Path or a text


def flag(name: str, *declared: str, **changes: Any) -> Callable[[Command], Command]:
    """The flag of an option; its environment variable is read too.

    `declared` are flag names that replace the option's own; `changes` are keywords of click that differ for
    this command.
    """
    told, default = FLAGS[name], DEFAULTS[name]
    keywords: dict[str, Any] = {
        "help": told.help,
        "metavar": told.metavar,
        "envvar": "VLBENCH_DATA" if name == "data_root" else f"VLBENCH_{name.upper()}",
        "is_flag": isinstance(default, bool),
        "multiple": isinstance(default, tuple),
    }
    if default or (default == 0 and not keywords["is_flag"]):
        keywords |= {"default": default, "show_default": True}
    if told.choices:
        keywords["type"] = click.Choice(told.choices)
    elif name == "limit":
        keywords["type"] = _limit
    elif told.least is not None:
        keywords["type"] = click.IntRange(min=told.least)
    elif told.place:
        keywords["type"] = Place(
            path_type=Path,
            exists=told.place == "existing folder",
            file_okay=told.place == "file",
            dir_okay=told.place != "file",
        )
    own = (f"--{name.replace('_', '-')}",)
    return click.option(*(declared or own), **{**keywords, **changes})


def flags(*names: str) -> Callable[[Command], Command]:
    """The flags of several options, in this order."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            command = flag(name)(command)
        return command

    return add


def _limit(value: Any) -> Limit:
    try:
        return limit_of(value)
    except VlbenchError as error:
        raise click.BadParameter(str(error)) from error


def names_flag(what: str, told: str, **changes: Any) -> Callable[[Command], Command]:
    """The flag of several models or tasks by name, for the argument `models` or `tasks`."""
    keywords = {"multiple": True, "metavar": "NAME[,NAME]", "envvar": f"VLBENCH_{what.upper()}", **changes}
    complete = completion(what)
    return click.option(
        f"--{what}", f"-{what[0]}", f"{what}s", help=told, shell_complete=complete, **keywords
    )


def name_flag(name: str, what: str, told: str) -> Callable[[Command], Command]:
    """The flag of one model or task by name, which has to be given; its short form is its first letter."""
    return click.option(name, name[1:3], required=True, help=told, shell_complete=completion(what))


def number_flag(name: str, default: int | None, told: str, *, least: int = 1) -> Callable[[Command], Command]:
    """The flag of a whole number."""
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, help=told)


def completion(*kinds: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What a shell completes: names of cards of some kinds (model, task), behind the last comma."""

    def complete(context: click.Context, _: click.Parameter, word: str) -> list[CompletionItem]:
        # imported when a shell asks: `--help` needs no card
        from vlbench.cards.catalogue import read_catalogue

        before, comma, begun = word.rpartition(",")
        catalogue = read_catalogue(tuple(map(Path, context.params.get("include_path") or ())))
        known = {"model": [*catalogue.models], "task": [*catalogue.tasks, *catalogue.collections]}
        names = (name for kind in kinds for name in known[kind])
        return [CompletionItem(before + comma + name) for name in sorted(names) if name.startswith(begun)]

    return complete


batch_size_flag = flag("batch_size", default="auto", show_default=True, type=str)
results_flag = flag(
    "results",
    default=Path("results"),
    show_default=True,
    help="The folder with the result JSON files.",
)


def format_flag(*choices: str, **changes: Any) -> Callable[[Command], Command]:
    """The flag --format, for the argument `form`: the format of the output.

    The first choice is the default, unless the flag is required.
    """
    keywords = {"show_default": True, "help": "Of the answer.", **changes}
    if not keywords.get("required"):  # to click, a default of None is one
        keywords["default"] = choices[0]
    return click.option("--format", "form", type=click.Choice(choices), **keywords)
