"""The parts of a task's name: data set, protocol, a half of its classes, and what a user replaced."""

import re

from vlbench.core import old_methods

BASE, NEW = "@base", "@new"
"""The endings of the names of the two halves of a task's classes."""

_OLD = "|".join(map(re.escape, old_methods.MARKS))
_MARKS = rf"(?P<marks>(?:\+(?:[a-z]+@[^+@]+|{_OLD}))*)\Z"
_OWN = re.compile(rf"(?P<card>[\w-]+:.*?@[0-9a-f]{{6}}){_MARKS}", re.DOTALL)
_OF_A_CARD = re.compile(rf"(?P<card>.*?){_MARKS}", re.DOTALL)


def name_parts(task: str) -> tuple[str, tuple[str, ...], bool]:
    """A task's name without marks, its marks, and whether it is a `KIND:FOLDER` without a card.

    Marks tell which texts or thresholds of the card a user replaced.

    >>> name_parts("dtd@elevater+templates@12ab34+thresholds@0.5")
    ('dtd@elevater', ('templates@12ab34', 'thresholds@0.5'), False)
    """
    own = _OWN.match(task)
    found = own or _OF_A_CARD.match(task)
    if found is None:
        return task, (), False
    return found["card"], tuple(found["marks"].split("+")[1:]), own is not None


def data_set_of(task: str) -> str:
    """The data set of a task: its name before the mark of a protocol; a folder without a card is its own.

    >>> data_set_of("imagenet@elevater"), data_set_of("classification:test@12ab34")
    ('imagenet', 'classification:test@12ab34')
    """
    card, _, own = name_parts(task)
    return card if own else card.partition("@")[0]


def old_method(task: str) -> str:
    """The method that version 0.1 put into a task's name; empty for none."""
    return next((mark for mark in name_parts(task)[1] if mark in old_methods.MARKS), "")
