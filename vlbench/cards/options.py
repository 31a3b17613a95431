"""Options of plug-ins by their signatures, checked at once; what is wrong with a card, in its own terms."""

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails

from vlbench.core.errors import PluginError

PlugIn = Callable[..., object]
Location = tuple[str | int, ...]


def check_options(
    plug_in: PlugIn, options: Mapping[str, object], at: Location = ()
) -> tuple[dict[str, Any], list[str]]:
    """Options from a card as the plug-in takes them, and what is wrong with them. One of the two is empty.

    Raises:
        PluginError: a card cannot fill the types of its annotations.
    """
    signature = signature_of(plug_in)
    names = {field: str(about.alias) for field, about in signature.model_fields.items()}
    try:
        # as JSON a list is a tuple where one is wanted, and still no number is a string
        filled = signature.model_validate_json(json.dumps(options, default=str))
    except ValidationError as error:
        return {}, problems_of(error, options, known=tuple(names.values()), at=at)
    values = {names[field]: getattr(filled, field) for field in names if field in filled.model_fields_set}
    return {**values, **(filled.model_extra or {})}, []


def option_names(plug_in: PlugIn) -> tuple[str, ...]:
    """The names of the options in a plug-in's signature."""
    return tuple(str(about.alias) for about in signature_of(plug_in).model_fields.values())


def option_schema(plug_in: PlugIn) -> dict[str, Any]:
    """The JSON Schema of a plug-in's options."""
    return signature_of(plug_in).model_json_schema(mode="validation")


@lru_cache(maxsize=256)
def signature_of(plug_in: PlugIn) -> type[BaseModel]:
    """A plug-in's keyword-only parameters as a pydantic model; `**options` allows any further ones.

    The aliases of its fields are the names of the options.

    Raises:
        PluginError: a card cannot fill the types of its annotations.
    """
    parameters = inspect.signature(plug_in).parameters.values()
    keywords = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    is_open = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    label = f"{getattr(plug_in, '__module__', '?')}.{getattr(plug_in, '__qualname__', plug_in)}"
    try:
        annotated = plug_in.__init__ if inspect.isclass(plug_in) else inspect.unwrap(plug_in)
        hints = typing.get_type_hints(annotated, include_extras=True)
        # aliased, since an option may be called `copy` or `schema` as a pydantic attribute is
        fields: dict[str, Any] = {
            f"option_{position}": (
                hints.get(each.name, object),
                Field(... if each.default is inspect.Parameter.empty else each.default, alias=each.name),
            )
            for position, each in enumerate(keywords)
        }
        return create_model(
            f"options of {label}",
            __config__=ConfigDict(
                extra="allow" if is_open else "forbid", strict=True, allow_inf_nan=False, title=label
            ),
            **fields,
        )
    except (NameError, PydanticUserError) as error:
        reason = " ".join(str(error).split())
        raise PluginError(f"{label}: its options are not annotated with plain types: {reason}") from error


def problems_of(
    error: ValidationError, data: Mapping[str, object], *, known: tuple[str, ...], at: Location = ()
) -> list[str]:
    """The errors of pydantic in a card's terms: `sources.0.path: field required`.

    `known` are the fields of the data. A union whose types all fail is one problem.
    """
    messages: dict[Location, dict[str, None]] = {}
    for details in error.errors(include_url=False):
        place = (*at, *_place(details["loc"], data))
        messages.setdefault(place, {})[_message(details, known)] = None
    told = ((".".join(map(str, place)), " or ".join(each)) for place, each in messages.items())
    return [f"{place}: {message}" if place else message for place, message in told]


def _place(location: Location, data: object) -> Location:
    """The keys and positions in a location, without the names of a union's types, which are not in the
    data."""
    place: list[str | int] = []
    for part in location:
        if isinstance(data, Mapping) and isinstance(part, str):
            place.append(part)
            data = data.get(part)
        elif isinstance(data, list | tuple) and isinstance(part, int):
            place.append(part)
            data = data[part] if part < len(data) else None
    return tuple(place)


def _message(details: ErrorDetails, known: tuple[str, ...]) -> str:
    if details["type"] == "missing":
        return "field required"
    if details["type"] == "extra_forbidden":
        if len(details["loc"]) > 1:
            return "unknown field"
        close = get_close_matches(str(details["loc"][-1]), known, n=3, cutoff=0.6)
        if close:
            return f"unknown field; did you mean {', '.join(close)}?"
        return f"unknown field; known: {', '.join(known)}" if known else "unknown field; none is taken"
    message = details["msg"][:1].lower() + details["msg"][1:]
    given = details["input"]
    return f"{message}, not {given!r}" if isinstance(given, str | int | float | None) else message
