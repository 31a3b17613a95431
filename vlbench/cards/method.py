"""A method by its name and settings, as a user writes them: `best-f1`, `ridge:shots=4,alpha=0.1`."""

import inspect
import json
import re
from dataclasses import replace

from vlbench.cards.schema import check_options
from vlbench.core.errors import CardError, PluginError
from vlbench.core.method import Method
from vlbench.core.registry import METHODS


def asked_method(text: str) -> Method:
    """The method of a name, with settings behind a colon; those that are no defaults are part of what it is.

    Raises:
        UnknownName: nobody has such a method.
        CardError: a setting is none that it takes.
        PluginError: a plug-in makes no method.

    >>> asked_method("zero-shot").name
    'zero-shot'
    """
    name, _, rest = text.partition(":")
    factory = METHODS.get(name)
    settings: dict[str, object] = {}
    for part in filter(None, re.split(r",(?=[^,=]*=)", rest)):  # a list has commas of its own
        key, mark, value = part.partition("=")
        if not mark:
            raise CardError(f"method {text}: {part!r} is no setting; write {name}:NAME=VALUE")
        if key.strip() in settings:
            raise CardError(f"method {text}: {key.strip()} stands twice; give it one value")
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
    """A number, true, false or a list as JSON writes it; other words as they are."""
    try:
        found: object = json.loads(text)
    except ValueError:
        return text
    return found
