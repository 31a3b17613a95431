"""What a user types for models and tasks: names, aliases, collections, wildcards, halves, references."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from vlbench.cards.catalogue import Catalogue, Entry
from vlbench.cards.class_half import HALVES, MARK, HalfName
from vlbench.cards.folders import FOLDERS, CardKind
from vlbench.core.errors import UnknownName
from vlbench.core.registry import ADAPTERS, TASK_KINDS


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
    chosen: dict[str, None] = {}
    for pattern in patterns:
        chosen.update(dict.fromkeys(_matches(pattern, catalogue, what)))
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
    part = _half(name, catalogue, what)
    if part is not None:
        return replace(entries[part.task], half=part.half)
    reference = Reference.of(name)
    if reference is not None:
        return reference
    if name in catalogue.stands_for.get(what, {}) and len(chosen) == 1:
        return entries[chosen[0]]
    raise UnknownName(what, name, (), advice=f"one name is wanted here; it matches {', '.join(chosen)}")


def _matches(pattern: str, catalogue: Catalogue, what: CardKind) -> Sequence[str]:
    known = catalogue.entries(what)
    others = catalogue.stands_for.get(what, {})
    if pattern in known:
        return [pattern]
    part = _half(pattern, catalogue, what)
    if part is not None:
        return [f"{part.task}{MARK}{part.half}"]
    if pattern in others:
        return others[pattern]
    reference = Reference.of(pattern)
    if reference is not None:
        _check_reference(reference, pattern, what)
        return [pattern]
    matches = sorted(name for name in known if fnmatchcase(name, pattern))
    if not matches:
        advice = f"`vlbench list {what}s` lists all; add a card to {FOLDERS[what]}/ or to an --include-path"
        halves = [f"{name}{MARK}{half}" for name in known for half in HALVES] if MARK in pattern else []
        raise UnknownName(what, pattern, [*known, *others, *halves], advice=advice)
    return matches


def _half(name: str, catalogue: Catalogue, what: CardKind) -> HalfName | None:
    """The half of a task's classes that a name stands for, the task under its own name; else None."""
    part = HalfName.of(name) if what == "task" else None
    if part is None or part.task in catalogue.tasks:
        return part
    meant = catalogue.stands_for.get(what, {}).get(part.task, ())
    if part.task in catalogue.collections or len(meant) != 1:
        return None
    return HalfName(meant[0], part.half)


def _check_reference(reference: Reference, pattern: str, what: CardKind) -> None:
    schemes, kind = (ADAPTERS.names(), "adapter") if what == "model" else (TASK_KINDS.names(), "task kind")
    if reference.scheme not in schemes:
        raise UnknownName(
            kind, reference.scheme, schemes, advice=f"{pattern!r} begins with none of {', '.join(schemes)}"
        )
    if not reference.rest:
        raise UnknownName(what, pattern, (), advice=f"nothing follows the colon; write {pattern}SOMETHING")
