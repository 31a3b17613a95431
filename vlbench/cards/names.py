"""What a user types for models and tasks: names, aliases, collections, wildcards, halves, references."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from vlbench.cards.catalogue import Catalogue
from vlbench.cards.entry import Entry, Half
from vlbench.cards.folders import FOLDERS, CardKind
from vlbench.core.errors import UnknownName
from vlbench.core.registry import ADAPTERS, TASK_KINDS

HALVES: tuple[Half, Half] = ("base", "new")
MARK = "@"
"""What the half of a task's classes stands behind: `dtd@base`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name `SCHEME:REST`: an adapter and what it is given, or a task kind and a folder."""

    scheme: str
    rest: str

    @classmethod
    def of(cls, name: str) -> "Reference | None":
        """The parts of a name; None where it has no colon.

        >>> Reference.of("open_clip:ViT-B-32/openai")
        Reference(scheme='open_clip', rest='ViT-B-32/openai')
        """
        scheme, mark, rest = name.partition(":")
        return cls(scheme, rest) if mark else None


def select(catalogue: Catalogue, patterns: Sequence[str], what: CardKind) -> tuple[str, ...]:
    """The names that patterns ask for, in the patterns' order, each once.

    A pattern is a name, an alias, a collection of tasks, a wildcard (`clip-b*`), a half of a task's
    classes (`dtd@base`, `dtd@new`), or `SCHEME:REST` where SCHEME is an adapter (models) or a task kind
    (tasks); the last passes through untouched. A wildcard matches names alone.

    Raises:
        UnknownName: a name that nobody has, or a wildcard without a match.
    """
    known, others = catalogue.entries(what), catalogue.stands_for.get(what, {})
    chosen: dict[str, None] = {}
    for pattern in patterns:
        if pattern in known:
            chosen[pattern] = None
        elif half := _half(pattern, catalogue, what):
            chosen[MARK.join(half)] = None
        elif pattern in others:
            chosen.update(dict.fromkeys(others[pattern]))
        elif reference := Reference.of(pattern):
            _check_reference(reference, pattern, what)
            chosen[pattern] = None
        else:
            matches = sorted(name for name in known if fnmatchcase(name, pattern))
            if not matches:
                halves = [f"{name}{MARK}{half}" for name in known for half in HALVES if MARK in pattern]
                raise UnknownName(
                    what,
                    pattern,
                    [*known, *others, *halves],
                    advice=f"`vlbench list {what}s` lists all; "
                    f"add a card to {FOLDERS[what]}/ or to an --include-path",
                )
            chosen.update(dict.fromkeys(matches))
    return tuple(chosen)


def find(catalogue: Catalogue, name: str, what: CardKind) -> Entry | Reference:
    """The card of a name, with the half that `X@base` or `X@new` asks for, or the parts of `SCHEME:REST`.

    Raises:
        UnknownName: a name that nobody has, or one that several have.
    """
    entries = catalogue.entries(what)
    if name in entries:
        return entries[name]
    chosen = select(catalogue, [name], what)
    half = _half(name, catalogue, what)
    if half is not None:
        return replace(entries[half[0]], half=half[1])
    reference = Reference.of(name)
    if reference is not None:
        return reference
    if name in catalogue.stands_for.get(what, {}) and len(chosen) == 1:
        return entries[chosen[0]]
    raise UnknownName(what, name, (), advice=f"one name is wanted here; it matches {', '.join(chosen)}")


def half_name(name: str) -> tuple[str, Half] | None:
    """The task and the half of a name; None where it ends in neither `@base` nor `@new`.

    >>> half_name("dtd@base")
    ('dtd', 'base')
    """
    task, mark, end = name.rpartition(MARK)
    return next(((task, half) for half in HALVES if mark and task and end == half), None)


def _half(name: str, catalogue: Catalogue, what: CardKind) -> tuple[str, Half] | None:
    """The half of a task's classes that a name stands for, the task under its own name; else None."""
    part = half_name(name) if what == "task" else None
    if part is None or part[0] in catalogue.tasks:
        return part
    meant = catalogue.stands_for.get(what, {}).get(part[0], ())
    if part[0] in catalogue.collections or len(meant) != 1:
        return None
    return meant[0], part[1]


def _check_reference(reference: Reference, pattern: str, what: CardKind) -> None:
    schemes, kind = (ADAPTERS.names(), "adapter") if what == "model" else (TASK_KINDS.names(), "task kind")
    if reference.scheme not in schemes:
        raise UnknownName(
            kind, reference.scheme, schemes, advice=f"{pattern!r} begins with none of {', '.join(schemes)}"
        )
    if not reference.rest:
        raise UnknownName(what, pattern, (), advice=f"nothing follows the colon; write {pattern}SOMETHING")
