"""Lists of names, as commas set them apart and as programs hold them."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from os import PathLike, fspath
from pathlib import Path
from typing import Any


def split_names(values: Iterable[str], is_one: Callable[[str], bool] | None = None) -> tuple[str, ...]:
    """Names that commas set apart, without blanks around them; one in a name that `is_one` knows does not.

    By default, `is_one` accepts `KIND:FOLDER` where the folder exists (`tagging:a,b`).

    >>> split_names(["shapes, digits", "dtd"])
    ('shapes', 'digits', 'dtd')
    """
    known = is_one or _is_reference
    found = []
    for value in values:
        parts = value.split(",")
        while parts:
            joined = [",".join(parts[:count]) for count in range(len(parts), 0, -1)]
            forms = (form for each in joined for form in (each, each.strip()))
            name = next((each for each in forms if known(each)), parts[0].strip())
            parts = parts[name.count(",") + 1 :]
            found.append(name)
    return tuple(name for name in found if name)


def names_in(given: Any) -> tuple[str, ...] | None:
    """The names in a string, a list, a set, an iterator, an array or a series of words; else None.

    >>> names_in("shapes,digits"), names_in({"dtd": 47}.keys()), names_in([]), names_in([3])
    (('shapes', 'digits'), ('dtd',), (), None)
    """
    if isinstance(given, str | PathLike):
        return split_names([fspath(given)])
    if getattr(getattr(given, "dtype", None), "kind", "") in ("O", "U"):  # of numpy and pandas
        given = given.tolist()
    if isinstance(given, Sequence | Set | Iterator):
        listed = tuple(given)
        if all(isinstance(each, str) for each in listed):
            return listed
    return None


def _is_reference(name: str) -> bool:
    """Whether a name is `SCHEME:PATH`, and the path exists."""
    scheme, _, path = name.partition(":")
    return "," not in scheme and bool(path) and Path(path).expanduser().exists()
