"""A task's name in its parts: the data set, the protocol, a half of its classes, what a user put in place."""

import re
from dataclasses import dataclass

from vlbench.core import old_methods

BASE, NEW = "@base", "@new"
"""How the names of the halves of a task's classes end."""

_OLD = "|".join(map(re.escape, old_methods.MARKS))
_MARKS = rf"(?P<marks>(?:\+(?:[a-z]+@[^+@]+|{_OLD}))*)$"
_OWN = re.compile(rf"(?P<card>[\w-]+:.*?@[0-9a-f]{{6}}){_MARKS}", re.DOTALL)
_OF_A_CARD = re.compile(rf"(?P<card>.*?){_MARKS}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TaskName:
    """The parts of a name.

    `card` is the name without marks, `marks` say what a user put in the place of the card's texts or
    thresholds, `half` is `@base`, `@new` or empty. `is_own` says that no card stands behind `KIND:FOLDER`.
    """

    card: str
    marks: tuple[str, ...] = ()
    half: str = ""
    is_own: bool = False

    @classmethod
    def of(cls, name: str) -> "TaskName":
        """The parts of a name.

        >>> TaskName.of("dtd@elevater+templates@12ab34+thresholds@0.5").marks
        ('templates@12ab34', 'thresholds@0.5')
        """
        own = _OWN.match(name)
        found = own or _OF_A_CARD.match(name)
        card, marks = (found["card"], found["marks"]) if found else (name, "")
        half = next((each for each in (BASE, NEW) if card.endswith(each)), "")
        return cls(card, tuple(marks[1:].split("+")) if marks else (), half, own is not None)

    @property
    def old_method(self) -> str:
        """What version 0.1 put behind a task's name and is a method of the row now; else empty."""
        return next((mark for mark in self.marks if mark in old_methods.MARKS), "")

    @property
    def data_set(self) -> str:
        """The data set of a card: its name before the mark of a protocol; own data are each their own.

        >>> TaskName.of("imagenet@elevater").data_set, TaskName.of("classification:test@12ab34").data_set
        ('imagenet', 'classification:test@12ab34')
        """
        return self.card if self.is_own else self.card.partition("@")[0]
