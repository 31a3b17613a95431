"""Methods by name and settings, as a user writes them: `best-f1`, `ridge@4,knn:k=5,shots=4`."""

import inspect
import re
from collections.abc import Iterable
from dataclasses import replace

from vlbench.cards.options import check_options
from vlbench.core.errors import CardError, DataError, PluginError
from vlbench.core.json_text import parsed_json
from vlbench.core.method import Method
from vlbench.core.registry import METHODS

_NEXT = re.compile(r",(?=\s*[A-Za-z][\w-]*\s*(?:[@:,]|$))(?![^\[]*\])")
"""The comma before the name of a further method: what follows is neither a setting nor part of a list."""


def asked_methods(texts: Iterable[str]) -> tuple[Method, ...]:
    """The methods in lists of names with settings, each once, in order.

    Raises:
        CardError: a list is empty, or as `asked_method`.
        UnknownName, PluginError: as `asked_method`.

    >>> [method.spelling for method in asked_methods(["zero-shot,ridge:shots=4,l2=10.0,knn@2", "ridge"])]
    ['zero-shot', 'ridge:shots=4,l2=10.0', 'knn:shots=2', 'ridge']
    """
    found: dict[str, Method] = {}
    for text in texts:
        for one in filter(None, map(str.strip, _NEXT.split(text.strip(", ")))):
            method = asked_method(one)
            found.setdefault(method.spelling, method)
    if not found:
        raise CardError("no method is named; name zero-shot, or another of `vlbench list methods`")
    return tuple(found.values())


def asked_method(text: str) -> Method:
    """The method with a name, and with the settings after a colon.

    Non-default settings are part of its identity. `NAME@N` is `NAME:shots=N`, as rows are named.

    Raises:
        UnknownName: there is no such method.
        CardError: the method does not take a setting.
        PluginError: a plug-in does not return a method.

    >>> asked_method("zero-shot").name
    'zero-shot'
    """
    row, _, rest = text.partition(":")
    name, at, shots = row.partition("@")
    factory = METHODS.get(name)
    if at and not shots.isdecimal():
        raise CardError(f"method {text}: {shots!r} is not a number of shots; write {name}@4 for four")
    parts = [f"shots={shots}"] if at else []
    settings: dict[str, object] = {}
    for part in (*parts, *filter(None, re.split(r",(?=[^,=]*=)", rest))):  # a list has commas of its own
        key, mark, value = part.partition("=")
        if not mark:
            raise CardError(f"method {text}: {part!r} is not a setting; write {name}:NAME=VALUE")
        if key.strip() in settings:
            raise CardError(f"method {text}: {key.strip()} is given twice; give it one value")
        settings[key.strip()] = _value(value.strip())
    values, problems = check_options(factory, settings)
    if problems:
        raise CardError(f"method {text}: {'; '.join(problems)}")
    made: object = factory(**values)
    which = f"method {name!r} of distribution {METHODS.distribution(name) or '?'}"
    if not isinstance(made, Method):
        raise PluginError(
            f"{which} makes {type(made).__name__}; its function has to return a vlbench.core.method.Method"
        )
    if made.name != name:
        raise PluginError(f"{which} calls itself {made.name!r}; give both one name")
    # not left to the method: one that forgot a setting would be given the stored numbers of another value
    usual = inspect.signature(factory).parameters
    stated = {key: value for key, value in values.items() if key not in usual or value != usual[key].default}
    return replace(made, settings={**stated, **made.settings})


def _value(text: str) -> object:
    """Parse a number, true, false or a list as in JSON; other words are strings."""
    try:
        found: object = parsed_json(text)
    except DataError:
        return text
    return found
