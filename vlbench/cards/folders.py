"""Where cards lie: the checkout or the wheel, the packages of plug-ins, the user's folders."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal

from vlbench.core.errors import CardError, PluginError

CardKind = Literal["task", "model"]
FOLDERS: dict[CardKind, str] = {"task": "tasks", "model": "model_cards"}
ENTRY_POINTS = "vlbench.cards"


@dataclass(frozen=True, slots=True)
class CardFolder:
    """A folder of cards; `kind` None means that each card's own fields say what it is."""

    path: Path
    kind: CardKind | None


def card_folders(include: Sequence[Path]) -> tuple[CardFolder, ...]:
    """All folders with cards, each once: built-in, plug-ins', then the user's.

    Raises:
        CardError: a folder of the user does not exist or holds no card.
        PluginError: a plug-in's folder does not exist or holds no cards.
    """
    found = _halves(built_in_folder())
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        found += _of_plug_in(point)
    for given in include:
        folder = given.expanduser()
        if not folder.is_dir():
            raise CardError(f"{folder}: no such folder; give --include-path a folder with cards")
        halves = _halves(folder)
        if not halves and not any(folder.glob("*.yaml")):
            raise CardError(f"{folder}: holds no card; put YAML cards there, or in tasks/ and model_cards/")
        found += halves or [CardFolder(folder, None)]
    each_once: dict[Path, CardFolder] = {}
    for card_folder in found:
        each_once.setdefault(card_folder.path.resolve(), card_folder)
    return tuple(each_once.values())


def built_in_folder() -> Path:
    """The folder whose `tasks` and `model_cards` ship with vlbench: a checkout's, else the wheel's.

    Raises:
        CardError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    # an editable install may leave a stale copy of the cards in site-packages: the checkout comes first
    if (checkout / "pyproject.toml").is_file() and _halves(checkout):
        return checkout
    from importlib.resources import files

    installed = Path(str(files(package.name))) / "_cards"
    if not _halves(installed):
        raise CardError(f"no cards at {checkout} nor {installed}; install vlbench again")
    return installed


def _of_plug_in(point: EntryPoint) -> list[CardFolder]:
    folder = _package_folder(point)
    halves = _halves(folder)
    if not halves:
        raise PluginError(
            f"cards {point.name!r} of {_owner(point)}: {folder} holds neither tasks/ nor "
            "model_cards/; repair or uninstall it"
        )
    return halves


def _halves(folder: Path) -> list[CardFolder]:
    halves = [CardFolder(folder / name, kind) for kind, name in FOLDERS.items()]
    return [half for half in halves if half.path.is_dir()]


def _package_folder(point: EntryPoint) -> Path:
    """The folder of a dotted name; only the finder of the first part runs, nothing is imported."""
    first, *rest = point.module.split(".")
    specification = importlib.util.find_spec(first)
    if specification is None or specification.origin is None:
        raise PluginError(
            f"cards {point.name!r} of {_owner(point)}: no package {first!r} with a folder of its own; "
            "repair or uninstall it"
        )
    folder = Path(specification.origin).parent.joinpath(*rest)
    return folder if folder.is_dir() else folder.parent


def _owner(point: EntryPoint) -> str:
    return f"distribution {point.dist.name}" if point.dist is not None else "an unknown distribution"
