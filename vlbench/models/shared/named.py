"""Models by name: what the checkpoints of all families share, files beside a card, models built on others."""

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Identity, Origin, PreprocessMode
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.files import remembered_sha256
from vlbench.core.outside_name import inner_folder

_DIGITS = 12
"""Hexadecimal digits of a file's SHA-256 in the name of a model with a file of the user's own."""


@dataclass(frozen=True)  # no slots: cached_property
class NamedCheckpoint:
    """What a Checkpoint of core/contracts.py is in every family: a name, a mode, a file with its digest."""

    origin: Origin

    @property
    def weights(self) -> Path:
        """The file that stands for the model; may fetch it."""
        raise NotImplementedError

    @cached_property
    def weights_sha256(self) -> str:
        """The SHA-256 of that file."""
        return remembered_sha256(self.weights, self.origin.cache)

    @cached_property
    def name(self) -> str:
        """The name asked for; with a file of the user's own, also the start of its SHA-256."""
        name = self.origin.name
        return name if self.origin.weights is None else f"{name}@{self.weights_sha256[:_DIGITS]}"

    @property
    def preprocess_mode(self) -> PreprocessMode:
        return self.origin.preprocess


def version_or_none(package: str) -> str | None:
    """The version of a package, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def beside_card(origin: Origin, path: str, setting: str) -> Path:
    """A path that a card's setting states: an absolute one, or one inside the card's folder.

    Raises:
        CardError: the path is relative and leads out of the folder, or there is no card.
    """
    if Path(path).is_absolute():
        return Path(path)
    if origin.folder is None:
        raise CardError(f"{origin.name}: {setting} is relative to a card's folder, and there is no card")
    return origin.folder / inner_folder(path, f"{origin.name}: {setting}", CardError)


def open_base(origin: Origin, name: str, weights: Path | None, *, what: str) -> Checkpoint:
    """The model that another is built on, which errors call `what`: its base, its text model.

    Raises:
        UnknownName: nobody has a model of that name.
        Unsupported: models are not opened by name here.
    """
    if origin.open is None:
        raise Unsupported(f"{origin.name}: no way to its {what} {name!r}; open it by vlbench.load_model")
    return origin.open(name, weights=weights)


def identify_base(origin: Origin, base: Checkpoint, *, what: str, own: str) -> Identity:
    """The identity of the model that another is built on; `own` is what --weights of that other one is.

    Raises:
        WeightsError: a file of the base cannot be had.
    """
    try:
        return base.identify()
    except WeightsError as error:
        raise WeightsError(
            f"{origin.name}: its {what}: {error} (of {origin.name}, --weights is {own})"
        ) from error
