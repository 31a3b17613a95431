"""Images that data list and that do not lie there: refused, or left out of a partial result."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from vlbench.core.contracts import Place
from vlbench.core.errors import DataError


@dataclass(frozen=True, slots=True)
class There:
    """Positions of the listed images that lie there; `lacks` says which do not, empty where all do."""

    positions: tuple[int, ...]
    lacks: str


def those_there(
    listed: Sequence[str], found: Container[str], place: Place, name: Callable[[int], str]
) -> There:
    """Which of the listed images lie there; `name` says where the data name one, and where it would lie.

    Raises:
        DataError: one does not, and the user did not allow a subset; or none does.
    """
    positions = tuple(i for i, image in enumerate(listed) if image in found)
    missing = [i for i, image in enumerate(listed) if image not in found]
    if not missing:
        return There(positions, "")
    if not place.allow_subset or not positions:
        more = f", nor are {len(missing) - 1:,} more" if len(missing) > 1 else ""
        subset = ", or pass --allow-subset for a result marked partial" if positions else ""
        raise DataError(f"{name(missing[0])} is not there{more}; complete the images{subset}")
    first = listed[missing[0]]
    return There(positions, f"{len(missing):,} of {len(listed):,} listed images are not there, as {first}")
