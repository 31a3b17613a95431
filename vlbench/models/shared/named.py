"""What checkpoints of all families have in common: names, files next to a card, models built on others."""

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Identity, Origin, PreprocessMode
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.files import remembered_sha256
from vlbench.core.outside_name import inner_folder

_DIGITS = 12
"""How many hexadecimal digits of the SHA-256 are in the name of a model with the user's own file."""


@dataclass(frozen=True)  # no slots: cached_property
class NamedCheckpoint:
    """The common part of every Checkpoint: a name, a preprocessing mode, and a file with its digest."""

    origin: Origin

    @property
    def weights(self) -> Path:
        """The file that identifies the model; may download it."""
        raise NotImplementedError

    @cached_property
    def weights_sha256(self) -> str:
        return remembered_sha256(self.weights, self.origin.cache)

    @cached_property
    def name(self) -> str:
        """The name that was asked for; with the user's own file, also its step or the start of its
        SHA-256."""
        name, step = self.origin.name, self.origin.step
        if step is not None:
            return f"{name}@{step}"
        return name if self.origin.weights is None else f"{name}@{self.weights_sha256[:_DIGITS]}"

    @property
    def preprocess_mode(self) -> PreprocessMode:
        return self.origin.preprocess


def version_or_none(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
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
    """The model that another one is built on; errors call it `what` (base, text model).

    Raises:
        UnknownName: there is no model with this name.
        Unsupported: models cannot be opened by name here.
    """
    if origin.open is None:
        raise Unsupported(f"{origin.name}: no way to its {what} {name!r}; open it by vlbench.load_model")
    return origin.open(name, weights=weights)


def identify_base(origin: Origin, base: Checkpoint, *, what: str, own: str) -> Identity:
    """The identity of the model that another one is built on.

    `own` tells what --weights means for the latter.

    Raises:
        WeightsError: a file of the base cannot be found or downloaded.
    """
    try:
        return base.identify()
    except WeightsError as error:
        raise WeightsError(
            f"{origin.name}: its {what}: {error} (of {origin.name}, --weights is {own})"
        ) from error
