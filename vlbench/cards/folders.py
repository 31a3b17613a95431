"""The folders of cards: the checkout or wheel, plug-ins' packages, the user's folders; and their entries."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal

from vlbench.core.errors import CardError, PluginError

CardKind = Literal["task", "model"]
Half = Literal["base", "new"]
Summary = Mapping[str, str | int | float | None]
Folders = Mapping[Path, CardKind | None]
"""Folders of cards by kind; in those under None, a card's fields tell its kind."""
FOLDERS: dict[CardKind, str] = {"task": "tasks", "model": "model_cards"}
ENTRY_POINTS = "vlbench.cards"
DATA = "data"
"""The scheme of a path under a data root, or next to the card."""
BESIDE_CARD = "card"
"""The scheme of a path next to the card."""
DATASET = "datasets"
"""The scheme of a data set on the hub, ORGANISATION/NAME."""
MODEL = "models"
"""The scheme of a model on the hub, ORGANISATION/NAME or ORGANISATION/NAME/FILE."""
PROGRAM = "program"
"""The scheme of data that come with the program."""
RESERVED = frozenset(":,*?[]/\\ ")
"""The characters that a card's name may not contain."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A card by name; `kind` is a task's kind or a model's adapter, `summary` what `list` prints.

    `aliases` are the names of other tools for it. `places` are where its data or weights may be, in the form
    that vlbench/cards/availability.py reads. `half` tells which half of a task's classes is asked for
    (`X@base`); None means all of them. `fields` are those of the card, unchecked.
    """

    name: str
    path: Path
    title: str
    kind: str
    summary: Summary = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    half: Half | None = None
    fields: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Collection:
    """Tasks that are run and averaged together, under the name that a tool or paper gives them.

    `metrics` names what is averaged for a task, if not its primary metric: the mean of the named metrics; a
    task with an empty list is left out. `weights` are the weights of tasks; without any, all are equal.
    """

    name: str
    path: Path
    title: str
    tasks: tuple[str, ...]
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


def card_folders(include: Sequence[Path]) -> Folders:
    """All folders with cards, each once: built-in, plug-ins', then the user's.

    Raises:
        CardError: a folder of the user does not exist or has no card.
        PluginError: a plug-in's folder does not exist or has no cards.
    """
    found = list(_halves(built_in_folder()).items())
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        found += _of_plug_in(point).items()
    for given in include:
        folder = given.expanduser()
        if not folder.is_dir():
            raise CardError(f"{folder}: no such folder; give --include-path a folder with cards")
        halves = _halves(folder)
        if not halves and not any(folder.glob("*.yaml")):
            raise CardError(f"{folder}: has no card; put YAML cards there, or in tasks/ and model_cards/")
        found += halves.items() or [(folder, None)]
    each_once: dict[Path, tuple[Path, CardKind | None]] = {}
    for path, kind in found:
        each_once.setdefault(path.resolve(), (path, kind))
    return dict(each_once.values())


def built_in_folder() -> Path:
    """The folder with vlbench's own `tasks` and `model_cards`: that of the checkout, else of the wheel.

    Raises:
        CardError: neither exists.
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


def ships(folder: Path) -> bool:
    """Whether a folder of cards ships with vlbench."""
    return folder.parent == built_in_folder()


def _halves(folder: Path) -> Folders:
    return {folder / name: kind for kind, name in FOLDERS.items() if (folder / name).is_dir()}


def _of_plug_in(point: EntryPoint) -> Folders:
    """The folders of a dotted name. Only the finder of its first part runs; nothing is imported."""
    owner = f"distribution {point.dist.name}" if point.dist is not None else "an unknown distribution"
    first, *rest = point.module.split(".")
    specification = importlib.util.find_spec(first)
    if specification is None or specification.origin is None:
        raise PluginError(
            f"cards {point.name!r} of {owner}: no package {first!r} with a folder of its own; "
            "repair or uninstall it"
        )
    folder = Path(specification.origin).parent.joinpath(*rest)
    folder = folder if folder.is_dir() else folder.parent
    halves = _halves(folder)
    if not halves:
        raise PluginError(
            f"cards {point.name!r} of {owner}: {folder} holds neither tasks/ nor "
            "model_cards/; repair or uninstall it"
        )
    return halves
