"""Records: dataclasses that are written as JSON and read back, with the type of every field checked."""

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from math import isfinite
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from vlbench.core.errors import DataError

T = TypeVar("T")
_hints = lru_cache(None)(get_type_hints)

NOT_KEPT: Mapping[str, object] = {"kept": False}
"""Metadata of a field that is not written."""


def as_record(value: object) -> object:
    """A dataclass as mappings and lists, without fields that are not kept; `record_of` reads it back."""
    if is_dataclass(value):
        kept = (field.name for field in fields(value) if field.metadata.get("kept", True))
        return {name: as_record(getattr(value, name)) for name in kept}
    if isinstance(value, Mapping):
        return {key: as_record(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_record(each) for each in value]
    return value


def record_of(kind: type[T], value: object, where: str = "") -> T:
    """Make a dataclass from parsed JSON. Unknown, missing and wrongly typed fields are refused by name.

    Raises:
        DataError: with the field's path, such as `metrics[0].value`.
    """
    name = where or "the record"
    if not isinstance(value, Mapping):
        raise DataError(f"{name} is {_shown(value)}, no object")
    hints = _hints(cast("Any", kind))
    declared = [each for each in fields(cast("Any", kind)) if each.metadata.get("kept", True)]
    unknown = sorted(value.keys() - {each.name for each in declared})
    if unknown:
        raise DataError(f"{name} has an unknown field {unknown[0]!r}")
    for each in declared:
        if each.name not in value and each.default is MISSING and each.default_factory is MISSING:
            raise DataError(f"{name} lacks the field {each.name!r}")
    below = f"{where}." if where else ""
    return kind(**{key: _typed(each, hints[key], f"{below}{key}") for key, each in value.items()})


def _typed(value: object, kind: Any, where: str) -> object:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        # of str | int | float the value's own type; of float | None the other one
        plain = [part for part in parts if part is not type(None)]
        return _typed(value, type(value) if type(value) in plain else plain[-1], where)
    if origin is Literal:
        if value not in parts:
            raise DataError(f"{where} is {_shown(value)}, not one of {', '.join(map(str, parts))}")
        return value
    if origin is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise DataError(f"{where} is {_shown(value)}, no list")
        return tuple(_typed(each, parts[0], f"{where}[{at}]") for at, each in enumerate(value))
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if not isinstance(value, Mapping):
            raise DataError(f"{where} is {_shown(value)}, no object")
        return {key: _typed(each, parts[1], f"{where}.{key}") for key, each in value.items()}
    if is_dataclass(kind):
        return record_of(cast("type[object]", kind), value, where)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if not isfinite(number):
            raise DataError(f"{where} is {_shown(value)}, no finite number")
        return number
    if kind is not object and type(value) is not kind:
        raise DataError(f"{where} is {_shown(value)}, no {_NAMES.get(kind, kind.__name__)}")
    return value


_NAMES: Mapping[type, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:36]} ..."
