"""Reads YAML 1.2 with PyYAML, whose own loaders read YAML 1.1, where `no` is false and `1e3` a word."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from vlbench.core.errors import CardError
from vlbench.core.files import shown
from vlbench.core.json_text import NO_CHARACTER
from vlbench.core.outside_name import plain_name
from vlbench.core.text_file import read_text

EXTENDS = "extends"
OWN_FIELDS = frozenset({"aliases"})
"""The fields that a card does not inherit from the card that it extends."""
_MOST = 100_000
"""The most values that a file may expand to, since aliases of aliases multiply."""
_MOST_LETTERS = 2**21
"""A file may have: names by the thousand are files of their own, and PyYAML is slow."""
_SHOWN = 200
"""Letters of a problem that an error shows, and digits that a number may have."""
_TAG = "tag:yaml.org,2002:"
_KINDS: Mapping[type, Sequence[str]] = {
    yaml.ScalarNode: ("str", "int", "float", "bool", "null", "merge"),
    yaml.SequenceNode: ("seq",),
    yaml.MappingNode: ("map",),
}


def loader_of(base: type) -> Any:
    """PyYAML's `base` loader with the core schema of YAML 1.2 and the merge key. Dates are strings."""
    loader: Any = type("Loader", (base,), {"yaml_implicit_resolvers": {}})
    for what, pattern, first in (
        ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
        ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
        ("merge", "<<", "<"),
    ):
        loader.add_implicit_resolver(_TAG + what, re.compile(rf"(?:{pattern})\Z"), list(first))
    return loader


_LOADER = loader_of(getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # not every build has the C library


def read_fields(path: Path, read: dict[Path, dict[str, object]] | None = None) -> dict[str, object]:
    """The fields of a card as its file states them, with those of the card that it extends.

    `read` holds files that were read before; files that are read now are added.

    Raises:
        CardError: the file, or the card next to it that it extends, cannot be read; or the latter extends
            another card.
    """
    read = {} if read is None else read
    fields = read[path] = read.get(path) or read_mapping(path)
    base = fields.get(EXTENDS)
    if not isinstance(base, str):
        return fields
    origin = path.parent / f"{plain_name(base, f'{shown(path)}: {EXTENDS}', CardError)}.yaml"
    if not origin.is_file():
        raise CardError(f"{shown(path)}: {EXTENDS}: no card {shown(origin)}; name one of the same folder")
    inherited = read[origin] = read.get(origin) or read_mapping(origin)
    if EXTENDS in inherited:
        raise CardError(
            f"{shown(path)}: {EXTENDS}: {base} itself extends {inherited[EXTENDS]}; name that one"
        )
    return {key: value for key, value in inherited.items() if key not in OWN_FIELDS} | fields


def read_mapping(path: Path) -> dict[str, object]:
    """The fields in a YAML 1.2 file.

    Raises:
        CardError: it cannot be read, is not YAML 1.2, repeats a key, or is not a mapping.
    """
    text = read_text(path, CardError)
    if len(text) > _MOST_LETTERS:
        raise CardError(f"{shown(path)}: has {len(text):,} letters; a card holds at most {_MOST_LETTERS:,}")
    try:
        loader = _LOADER(text)
        node = loader.get_single_node()
        value = None if node is None else _value(loader, node, iter(range(_MOST)))
    except RecursionError as error:
        raise CardError(f"{shown(path)}: nests too deeply, or in itself; write it out") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" line {mark.line + 1}"
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise CardError(f"{shown(path)}:{line} {problem[:_SHOWN]}") from error
    if not isinstance(value, dict):
        raise CardError(f"{shown(path)}: holds no fields; write a mapping `field: value`")
    return value


def _value(loader: Any, node: yaml.Node, left: Iterator[int]) -> object:
    """The value of a node, with at most as many values as are `left`. The keys of a mapping are strings."""
    if next(left, None) is None:
        raise _problem(node, f"its aliases stand for more than {_MOST:,} values; write them out")
    _refuse_strange(node)
    kind = node.tag.removeprefix(_TAG)
    if kind not in _KINDS[type(node)]:
        raise _problem(node, f"the tag {node.tag} is none that a card may have; remove it")
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, each, left) for each in node.value]
    if isinstance(node, yaml.ScalarNode):
        if kind == "int":
            if len(node.value) > _SHOWN:
                raise _problem(node, "a number of too many digits")
            return int(node.value, 0 if node.value.startswith(("0o", "0x")) else 10)
        if kind == "bool" and node.value.lower() not in ("true", "false"):
            raise _problem(node, f"{node.value} is neither true nor false")
        return loader.construct_object(node)
    merged: dict[str, object] = {}
    found: dict[str, object] = {}
    for key, each in node.value:
        _refuse_strange(key)
        value = _value(loader, each, left)
        if key.tag == f"{_TAG}merge":  # the first of several counts, and what stands here more than all
            for base in reversed(value if isinstance(value, list) else [value]):
                if not isinstance(base, dict):
                    raise _problem(each, "what is merged is no mapping")
                merged |= base
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise _problem(key, "a key is no word")
        if key.value in found:
            raise _problem(key, f'found duplicate key "{key.value}"')
        found[key.value] = value
    return merged | found


def _refuse_strange(node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode) and NO_CHARACTER.search(node.value):
        raise _problem(node, "it holds a NUL or half a character, which no text does")


def _problem(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
