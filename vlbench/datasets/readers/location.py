"""Finds where data are: a card's relative path under the roots, then next to the card."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from vlbench.core.contracts import Place
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.outside_name import HERE, inner_folder, inner_path


def folder_with(place: Place, path: str, *names: str) -> Path:
    """The first place with a folder that has these files, by name.

    Raises:
        SourceMissing, DataError, CardError: as `locate`; a name that leads out of the folder.
    """
    inside = [inner_path(name, f"source {path}", CardError) for name in names]

    def holds(folder: Path) -> bool:
        return all((folder / name).is_file() for name in inside)

    return locate(place, path, wanted=" and ".join(names), holds=holds)


def locate(
    place: Place,
    path: str,
    *,
    wanted: str,
    holds: Callable[[Path], bool],
    instead: Sequence[str] = (),
    mend: str = "",
) -> Path:
    """The first place where a path has what is wanted, with links resolved.

    An absolute path (or one that begins with ~) is used unchanged; a relative one is tried under each root in
    order, then under the card's folder. `wanted` names what `holds` looks for. `holds` may add to `instead`
    what is there in another form; `mend` tells what to do about it.

    Raises:
        SourceMissing: it is nowhere; the message lists all places but vlbench's own.
        DataError: a place cannot be read.
        CardError: a relative path leads out of the roots.
    """
    given = Path(os.path.expanduser(path))  # noqa: PTH111 - leaves an unknown ~user as it is
    if given.is_absolute():
        places = named = [given]
        advice = "correct the path, or put the data there"
    else:
        below = inner_folder(given.as_posix(), "a card's path", CardError)
        folders = [*place.roots, *([place.card_folder] if place.card_folder else [])]
        places = [folder / below for folder in folders]
        named = places[: len(place.roots)] if place.shipped else places
        nowhere, aim = f"as {path}: there is no data root", f"DIR/{below} exists"
        if below == HERE:
            nowhere, aim = "in a data root: there is none", f"DIR has {wanted}"
        advice = f"pass --data-root DIR or set VLBENCH_DATA so that {aim}"
    for candidate in places:
        try:
            if holds(candidate):
                return candidate.resolve()
        except OSError as error:
            raise DataError(
                f"{candidate} cannot be read ({error.strerror}); check its permissions"
            ) from error
    where = f"in {', '.join(str(each) for each in named)}" if named else nowhere
    if instead:
        where, advice = f"{where} ({instead[0]})", mend
    raise SourceMissing(f"no {wanted} {where}", advice)
