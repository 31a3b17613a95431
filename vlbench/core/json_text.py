"""JSON as others wrote it: the one place that parses it, and refuses in a line what it is not."""

import json
import re
from collections.abc import Callable
from typing import Any

from vlbench.core.errors import DataError, VlbenchError

_ESCAPED = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
"""What may stand for half a character, or for a NUL: most texts have none, and are not gone through."""
NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
"""A NUL, or half of a character: no name and no sentence has one."""


def parsed_json(
    text: str | bytes,
    where: str = "",
    mend: str = "",
    *,
    error: type[VlbenchError] = DataError,
    objects: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """What a text of JSON says; NaN and infinity, which are no JSON, say that there is no value.

    `where` names it in an error and `mend` says what to do. `objects` makes something else than a dictionary
    of an object's pairs.

    Raises:
        VlbenchError: as `error`: it is no JSON, nests too deeply, states a key twice, or holds a number of
            thousands of digits, a NUL, or half a character.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        value = json.loads(text, parse_constant=lambda _: None, object_pairs_hook=objects or _object)
        if _ESCAPED.search(text):
            _refuse_strange(value)
    except RecursionError:
        wrong = "it nests too deeply"
    except UnicodeDecodeError as found:
        wrong = f"it is not UTF-8 at byte {found.start}"
    except json.JSONDecodeError as found:
        wrong = str(found)
    except _Wrong as found:
        wrong = str(found)
    except ValueError:  # Python reads no integer of more digits
        wrong = "it holds a number of thousands of digits"
    else:
        return value
    place, advice = (f"{where}: " if where else ""), (f"; {mend}" if mend else "")
    raise error(f"{place}not JSON ({wrong}){advice}")


class _Wrong(ValueError):
    """What no text of ours may hold."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Wrong(
            f"the key {next(name for at, name in enumerate(names) if name in names[:at])!r} stands twice"
        )
    return found


def _refuse_strange(value: object) -> None:
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left += (*each, *each.values())
        elif isinstance(each, list | tuple):
            left += each
        elif isinstance(each, str) and (found := NO_CHARACTER.search(each)):
            what = "a NUL" if found[0] == "\0" else "half a character (a lone surrogate)"
            raise _Wrong(f"{each[:40]!r} holds {what}")
