"""Whether the data of a task or the weights of a model are on this machine. Only existence is checked."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from vlbench.cards.folders import BESIDE_CARD, DATA, PROGRAM, Entry, ships

HERE = "."
"""A path without information: the data root itself, in which a source searches for its own folders."""


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that a card names: how to print it, and whether it exists."""

    shown: str
    found: bool


def first_place(entry: Entry, roots: Sequence[Path]) -> NamedPlace | None:
    """The first place of a card that exists; None if none does.

    An existing folder may still lack images; `vlbench data check` counts them.
    """
    return next((place for place in places(entry, roots) if place.found), None)


def places(entry: Entry, roots: Sequence[Path]) -> Iterator[NamedPlace]:
    """All places of a card in order: each path under every root, then next to a card of somebody else's."""
    beside = entry.path.parent
    for stated in entry.places:
        scheme, _, rest = stated.partition(":")
        if scheme == DATA:
            folders = roots if ships(beside) else (*roots, beside)
            for path in dict.fromkeys(folder / Path(rest).expanduser() for folder in folders):
                # a name may be too long for the disk
                yield NamedPlace(str(path), rest != HERE and os.path.exists(path))  # noqa: PTH110
        elif scheme == BESIDE_CARD:
            yield NamedPlace(str(beside / rest), os.path.exists(beside / rest))  # noqa: PTH110
        elif scheme == PROGRAM:
            yield NamedPlace(f"the program ({rest})", found=True)
        else:
            yield cached(scheme, rest)


def cached(scheme: str, rest: str) -> NamedPlace:
    """The hub's cache, and whether it has anything from a repository, or one file of it."""
    organisation, name, *file = rest.split("/", 2) if rest.count("/") else ("", rest)
    folder = "--".join(escape(part) for part in (scheme, organisation, name) if part)
    found = hub_cache_folder().glob(
        "/".join((folder, "snapshots", "*", *(map(escape, file) if file else ("*",))))
    )
    return NamedPlace(f"the hub's cache ({rest})", any(found))


def hub_cache_folder() -> Path:
    """The cache folder of the hub's client, from its environment variables, since its import takes longer."""
    home = os.environ.get("HF_HOME") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(os.path.expandvars(named or f"{home}/hub")).expanduser()


def missing_package(adapter: str) -> str:
    """The extra that must be installed for an adapter with the same name; empty if there is none.

    >>> missing_package("clip")
    ''
    """
    from importlib.metadata import PackageNotFoundError, requires, version
    from re import match

    for line in requires("vlbench") or ():
        requirement, _, marker = line.partition(";")
        named = match(r"[\w.-]+", requirement.strip())
        if named is None or f"extra == '{adapter}'" not in marker.replace('"', "'"):
            continue
        try:
            version(named[0])
        except PackageNotFoundError:
            return f"vlbench[{adapter}]"
    return ""
