"""Finds the class or tag that a label in the data means: by id, or by a name that only one text has.

Also compares the names that some data sets hold with those of a task.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vlbench.core.contracts import Dataset, Target, Text
from vlbench.core.errors import DataError, UnknownName
from vlbench.core.protocol import SYNONYMS
from vlbench.core.whole_number import whole_number

NUMBER = "number"
"""The vocabulary of class numbers in the data, for texts that are listed in another order."""
NO_LABELS = frozenset({NUMBER, SYNONYMS})
"""Vocabularies in which string labels are not looked up."""


@dataclass(frozen=True, slots=True)
class LabelIndex:
    """Positions of texts by id, and by name where only one text has that name.

    `numbers` maps class numbers of the data to positions; empty where the numbers are the positions.
    """

    positions: dict[str, int]
    ambiguous: frozenset[str]
    count: int
    numbers: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[Text], task: str) -> "LabelIndex":
        """Index texts by their ids and names.

        >>> LabelIndex.of((Text("cat"), Text("dog", ids={"wnid": "n1"})), "pets").position("n1", str)
        1

        Raises:
            DataError: two texts share an id in one vocabulary, or share a name and one of them has no id.
        """
        owners: dict[tuple[str, str], int] = {}
        places_of: dict[str, set[int]] = {}
        names: dict[str, list[int]] = {}
        for position, text in enumerate(texts):
            names.setdefault(text.name, []).append(position)
            for vocabulary, value in text.ids.items():
                if vocabulary in NO_LABELS:
                    continue
                places_of.setdefault(value, set()).add(position)
                owner = owners.setdefault((vocabulary, value), position)
                if owner != position:
                    raise DataError(
                        f"{task}: {texts[owner].name!r} and {text.name!r} share the {vocabulary} {value!r}; "
                        "give each class an id of its own"
                    )
        # one number may be the id of two texts in two vocabularies: then it labels neither
        shared = {value for value, places in places_of.items() if len(places) > 1}
        positions = {value: min(places) for value, places in places_of.items() if value not in shared}
        for name, places in names.items():
            if len(places) > 1 and not all(texts[place].ids for place in places):
                raise DataError(
                    f"{task}: the name {name!r} occurs {len(places)} times; "
                    "give each an id (a further column of the names file)"
                )
            if len(places) == 1 and name not in shared:
                positions.setdefault(name, places[0])
        repeated = frozenset(name for name, places in names.items() if len(places) > 1)
        stated = [text.ids[NUMBER] for text in texts if text.ids.get(NUMBER)]
        read = (whole_number(text) for text in stated)
        numbers = {number: place for place, number in enumerate(read) if number is not None}
        if stated and not len(set(stated)) == len(numbers) == len(texts):
            raise DataError(
                f"{task}: the column {NUMBER!r} of the names does not have an integer for each class"
            )
        return cls(positions, (repeated | shared) - positions.keys(), len(texts), numbers)

    def position(self, label: str | int, where: Callable[[], str]) -> int:
        """The position of the text that a label means: by index, by the data's class number, by id or by
        name.

        `where` makes the part of an error message that tells which image has the label.

        Raises:
            DataError: an index out of range, or a name that several texts share.
            UnknownName: no text has this label; the message lists close matches.
        """
        if isinstance(label, int):
            if label in self.numbers:
                return self.numbers[label]
            if not self.numbers and 0 <= label < self.count:
                return label
            raise DataError(f"{where()}: label {label} is not one of the {self.count} classes")
        found = self.positions.get(label)
        if found is None:
            found = self.positions.get(label.replace("_", " "))
        if found is not None:
            return found
        if label in self.ambiguous:
            raise DataError(f"{where()}: several classes are named {label!r}; label it by an id of its own")
        way_out = "correct it or add the class"
        number = whole_number(label)
        if number is not None:
            way_out = f"it is text: write the number {number} without quotes if it counts the classes from 0"
        raise UnknownName("class", label, self.positions, advice=f"{where()} carries it; {way_out}")


@dataclass(frozen=True, slots=True)
class NamesFound:
    """How the names in the data differ from the task's, and notes on differences in spelling alone.

    `moved`, also in `differs`, tells that they lie in another order: labels would mean other classes.
    """

    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    moved: str = ""


def compare_names(source: Dataset, texts: Sequence[Text]) -> NamesFound:
    """Compare the names that a data set offers with those of a task, where its labels are numbers.

    A number means the position of a text in the task, or the `number` that a text states, so names in another
    order would mix up the labels. Labels that are names or ids do not depend on the order.
    """
    there = [text.name for text in source.offers.names]
    target = source[0].target if there else Target()
    if not any(isinstance(mark, int) for mark in (target.label, *(target.tags or ()))):
        return NamesFound()
    numbers = (whole_number(text.ids.get(NUMBER, "")) for text in texts)
    numbered = [
        (position if number is None else number, texts[position].name)
        for position, number in enumerate(numbers)
    ]
    here = dict(sorted(numbered))
    count = f"{len(there):,} names lie beside the images, {len(here):,} on the card"
    counted = (count,) if len(there) != len(here) else ()
    plain = [_plain(name) for name in there]
    other = [number for number, name in here.items() if number >= len(there) or plain[number] != _plain(name)]
    if not other:
        return NamesFound(counted)
    counts = Counter(plain)
    # the place of a name whose own class is called otherwise: a card may have one name for two classes
    places = {plain[number]: number for number in other if number < len(plain) and counts[plain[number]] == 1}
    places |= {name: place for place, name in enumerate(plain) if place not in here and counts[name] == 1}
    moved = [number for number in other if _plain(here[number]) in places]
    first = (moved or other)[0]
    beside = repr(there[first]) if first < len(there) else "nameless"
    example = f"class {first} is {beside} beside the images and {here[first]!r} on the card"
    if moved:
        line = f"the names lie in another order: {example}"
        return NamesFound((*counted, line), moved=line)
    spelt = f"{len(other):,} of {len(here):,} names are spelt otherwise beside the images: {example}"
    return NamesFound(counted, notes=() if counted else (spelt,))


def _plain(name: str) -> str:
    """A name in lower case without differences of spelling.

    >>> _plain("Airplane_wing ") == _plain("airplane wing")
    True
    """
    return " ".join(name.replace("_", " ").casefold().split())
