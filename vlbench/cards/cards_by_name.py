"""Cards by name, each read when it is first asked for."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TypeVar

C = TypeVar("C")


class CardsByName(Mapping[str, C]):
    """Cards by name, sorted. A card that is given as a function is read when it is first used."""

    def __init__(self, found: Mapping[str, C | partial[C]]) -> None:
        self._found: dict[str, C | partial[C]] = dict(sorted(found.items()))

    def __getitem__(self, name: str) -> C:
        """The card with a name; it is read once."""
        card = self._found[name]
        if isinstance(card, partial):
            card = self._found[name] = card()
        return card

    def __contains__(self, name: object) -> bool:
        """Whether there is a card with the name; the card is not read."""
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
