"""Whether the data of a task or the weights of a model lie on this machine, told by existence alone."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from vlbench.cards.folders import BESIDE_CARD, DATA, PROGRAM, Entry

HERE = "."
"""A path that says nothing: the data root itself, which a source searches for folders of its own."""


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that a card names: what to call it, and whether something lies there."""

    shown: str
    found: bool


def first_place(entry: Entry, roots: Sequence[Path]) -> NamedPlace | None:
    """The first place of a card where something lies; None where nothing does.

    A folder that is there may still lack images: `vlbench data check` counts them.
    """
    return next((place for place in places(entry, roots) if place.found), None)


def places(entry: Entry, roots: Sequence[Path]) -> Iterator[NamedPlace]:
    """All places of a card in order, each relative path under every root and then beside the card."""
    beside = entry.path.parent
    for stated in entry.places:
        scheme, _, rest = stated.partition(":")
        if scheme == DATA:
            for path in dict.fromkeys(folder / Path(rest).expanduser() for folder in (*roots, beside)):
                # a name may be too long for the disk
                yield NamedPlace(str(path), rest != HERE and os.path.exists(path))  # noqa: PTH110
        elif scheme == BESIDE_CARD:
            yield NamedPlace(str(beside / rest), os.path.exists(beside / rest))  # noqa: PTH110
        elif scheme == PROGRAM:
            yield NamedPlace(f"the program ({rest})", found=True)
        else:
            yield cached(scheme, rest)


def cached(scheme: str, rest: str) -> NamedPlace:
    """The hub's cache, and whether it holds something of a repository, or one file of it."""
    organisation, name, *file = rest.split("/", 2) if rest.count("/") else ("", rest)
    folder = "--".join(escape(part) for part in (scheme, organisation, name) if part)
    found = hub_cache().glob("/".join((folder, "snapshots", "*", *(map(escape, file) if file else ("*",)))))
    return NamedPlace(f"the hub's cache ({rest})", any(found))


def hub_cache() -> Path:
    """The folder of the hub's client, as its environment variables set it (its own import takes longer)."""
    home = os.environ.get("HF_HOME") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/huggingface"
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(os.path.expandvars(named or f"{home}/hub")).expanduser()


def missing_package(adapter: str) -> str:
    """What has to be installed for an adapter that is named after an extra of the distribution; else empty.

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
