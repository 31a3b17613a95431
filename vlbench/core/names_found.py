"""The names that lie beside some images, held against a task's: another order would mix up the labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlbench.core.contracts import Dataset, Text
from vlbench.core.label_index import NUMBER


@dataclass(frozen=True, slots=True)
class NamesFound:
    """What is wrong with the names beside the data, and what only reads otherwise."""

    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def compare_names(source: Dataset, texts: Sequence[Text]) -> NamesFound:
    """Hold the names that a source offers against a task's, where its labels are numbers.

    A label's number is a position among the task's texts, or what they state as their `number`. Labels
    that are names or ids find their class themselves, in whatever order the names lie.
    """
    there = [text.name for text in source.offers.names]
    if not there or not _has_numbers_for_labels(source):
        return NamesFound()
    here = _by_number(texts)
    if len(there) != len(here):
        return NamesFound((f"{len(there):,} names lie beside the images, {len(here):,} on the card",))
    other = [number for number in here if number >= len(there) or not _same(there[number], here[number])]
    if not other:
        return NamesFound()
    places = _places(there)
    moved = [number for number in other if places.get(_plain(here[number]), number) != number]
    first = (moved or other)[0]
    beside = repr(there[first]) if first < len(there) else "nameless"
    example = f"class {first} is {beside} beside the images and {here[first]!r} on the card"
    if moved:
        return NamesFound((f"the names lie in another order: {example}",))
    return NamesFound(
        notes=(f"{len(other):,} of {len(here):,} names are spelt otherwise beside the images: {example}",)
    )


def _places(names: Sequence[str]) -> dict[str, int]:
    """Positions of the names that occur once."""
    plain = [_plain(name) for name in names]
    counts = Counter(plain)
    return {name: place for place, name in enumerate(plain) if counts[name] == 1}


def _by_number(texts: Sequence[Text]) -> Mapping[int, str]:
    """Names by the numbers that labels give them, ascending."""
    numbered = [(int(text.ids.get(NUMBER, position)), text.name) for position, text in enumerate(texts)]
    return dict(sorted(numbered))


def _has_numbers_for_labels(source: Dataset) -> bool:
    target = source[0].target
    marks = (target.label, *(target.tags or ()))
    return any(isinstance(mark, int) for mark in marks)


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    """A name without what spelling alone makes of it.

    >>> _plain("Airplane_wing ") == _plain("airplane wing")
    True
    """
    return " ".join(name.replace("_", " ").casefold().split())
