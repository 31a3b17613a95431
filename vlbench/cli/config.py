"""The flag --config: the options of a command in a YAML file; flags and environment variables win over it."""

from collections.abc import Mapping
from pathlib import Path

import click

from vlbench.core.digest import sha256_of_file
from vlbench.core.errors import CardError, UnknownName
from vlbench.core.files import shown

_PLAIN = (str, int, float, bool)


def read_config(context: click.Context, own: click.Parameter, path: Path | None) -> str:
    """Make what a file says the defaults of the other options of a command. Returns the file's digest.

    Raises:
        CardError: the file cannot be read, or an option has a value that its flag does not take.
        UnknownName: no option has such a name.
    """
    if path is None:
        return ""
    # a YAML reader: `--help` needs none
    from vlbench.cards.yaml_file import read_mapping

    known = {
        flag.removeprefix("--"): option
        for option in context.command.params
        if isinstance(option, click.Option) and option is not own
        for flag in option.opts
        if flag.startswith("--")
    }
    defaults: dict[str, object] = {}
    for name, value in read_mapping(path).items():
        option = known.get(name.replace("_", "-"))
        if option is None or option.name is None:
            raise UnknownName("option", name, known, advice=f"correct {shown(path)}, or see --help")
        if value is not None:
            defaults[option.name] = _checked(context, option, value, f"{shown(path)}: {name}")
    context.default_map = {**(context.default_map or {}), **defaults}
    return sha256_of_file(path)


def _checked(context: click.Context, option: click.Option, value: object, where: str) -> object:
    """A value as the flag takes it; several ones for a flag that may be repeated."""
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not option.multiple:
        raise CardError(f"{where}: is a list; give one value")
    if any(not isinstance(each, _PLAIN) for each in values):
        raise CardError(f"{where}: is {_kind(value)}; give a word or a number")
    if any(isinstance(each, bool) is not option.is_flag for each in values):
        wrong = "give true or false" if option.is_flag else "takes neither true nor false"
        raise CardError(f"{where}: {wrong}")
    found = values if option.multiple else value
    try:
        option.type_cast_value(context, found)
    except click.BadParameter as error:
        raise CardError(f"{where}: {error.message}") from error
    return found


def _kind(value: object) -> str:
    return "a mapping" if isinstance(value, Mapping) else "a list of more than words"


config_flag = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="VLBENCH_CONFIG",
    is_eager=True,
    callback=read_config,
    help="A YAML file with options (`model: [tiny-clip]`, `limit: 64`); flags win over it.",
)
