"""YAML files as plain values: YAML 1.2, where `no` is a word and a key stands once."""

from collections.abc import Mapping
from pathlib import Path

from vlbench.core.errors import CardError


def read_mapping(path: Path) -> dict[str, object]:
    """The fields of a YAML file.

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


def shown(path: Path) -> str:
    """A path as messages show it: relative where it lies below the working folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
