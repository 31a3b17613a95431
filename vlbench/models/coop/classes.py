"""Which of its own classes a class-specific context takes for a text."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vlbench.core.contracts import Text
from vlbench.core.errors import Unsupported
from vlbench.models.coop.prompts import spoken_name


@dataclass(frozen=True)  # no slots: cached_property
class ClassIndex:
    """The classes that a context file has vectors for, in the file's order."""

    path: Path
    classes: tuple[Text, ...]

    def position(self, text: Text) -> int:
        """The place of a text's class: of its name where no id differs; of several, that of an equal id.

        An id alone is not enough: a folder or a label `0` is another class in every data set.

        Raises:
            Unsupported: the file has no such class, or several that nothing tells apart.
        """
        named = [
            place
            for place in self._places.get(spoken_name(text.name), [])
            if not _differ(text, self.classes[place])
        ]
        if len(named) > 1:
            named = [place for place in named if text.ids.items() & self.classes[place].ids.items()]
        if len(named) == 1:
            return named[0]
        raise Unsupported(
            f"{self.path}: class-specific; {text.name!r} is none of the {len(self.classes)} classes it "
            f"was learned on ({', '.join(each.name for each in self.classes[:3])} ...); run it on their "
            "task, or take a unified context"
        )

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, text in enumerate(self.classes):
            places.setdefault(spoken_name(text.name), []).append(place)
        return places


def _differ(text: Text, other: Text) -> bool:
    """Whether two texts have different ids in one vocabulary."""
    return any(other.ids.get(vocabulary, id_) != id_ for vocabulary, id_ in text.ids.items())
