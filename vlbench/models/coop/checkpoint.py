"""CoOp: a CLIP whose prompts begin with learned vectors instead of words (Zhou et al. 2022)."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Checkpoint, Identity, Origin, Placement, PreprocessMode
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.files import remembered_sha256
from vlbench.models.clip.checkpoint import DUAL_ENCODER
from vlbench.models.coop.context import read_facts

if TYPE_CHECKING:
    from vlbench.models.shared.dual_encoder import DualEncoder

NAME = "coop"
"""The adapter's name, and the scheme of `coop:FILE`."""

_TEXTS = "vlbench.models.coop.loading"
"""Root module of what decides a text's features, on top of the base's own."""

_DIGITS = 12
"""Hexadecimal digits of a file's SHA-256 in the name of a model with a context of the user's own."""


@dataclass(frozen=True)  # no slots: cached_property
class CoopCheckpoint:
    """A base model and a context file, a Checkpoint of core/contracts.py; neither is opened until asked.

    `base_name` is the base as a card names it, None where the context's header does; `file` is the card's
    own context, None where it has none.
    """

    origin: Origin
    base_name: str | None
    file: Path | None
    replicate_of: str = ""
    base_weights: Path | None = None
    adapter: str = NAME
    capabilities: frozenset[str] = DUAL_ENCODER | {NAMES_ALONE}

    @cached_property
    def name(self) -> str:
        """The name asked for; with a context of the user's own, also the start of its SHA-256."""
        if self.origin.weights is None:
            return self.origin.name
        return f"{self.origin.name}@{self._sha256[:_DIGITS]}"

    @property
    def preprocess_mode(self) -> PreprocessMode:
        return self.origin.preprocess

    @property
    def context(self) -> Path:
        """The context file.

        Raises:
            WeightsError: the card has none and the user named none, or it is not there.
        """
        path = self.origin.weights or self.file
        if path is None:
            raise WeightsError(
                f"{self.origin.name}: needs a learned context: pass one as --weights FILE; "
                "`vlbench fit coop` learns one, `vlbench import coop` makes one of the authors' files"
            )
        if not path.is_file():
            raise WeightsError(f"{path}: no such file; {self.origin.name} takes its learned context from it")
        return path

    @cached_property
    def base(self) -> Checkpoint:
        """The model that the context was learned on.

        Raises:
            UnknownName: nobody has a model of that name.
            CardError: the base is a CoOp model itself.
            Unsupported: models are not opened by name here.
        """
        name = read_facts(self.context).base if self.base_name is None else self.base_name
        if self.origin.open is None:
            raise Unsupported(
                f"{self.origin.name}: no way to its base {name!r}; open it by vlbench.load_model"
            )
        found = self.origin.open(name, weights=self.base_weights)
        if found.adapter == self.adapter:
            raise CardError(
                f"{self.origin.name}: its base {name!r} has a learned context itself; name a CLIP"
            )
        return found

    def identify(self) -> Identity:
        """The base's image side as it is, so that all contexts share its features, and an own text side."""
        context = self._sha256
        base = self._base_identity
        text = digest_of(
            {"base": base.text, "context": context, "code": digest_of_code(_TEXTS, cache=self.origin.cache)}
        )
        source = "file" if self.origin.weights is not None or self.origin.folder is None else "folder"
        return Identity(
            image=base.image,
            text=text,
            whole=digest_of({"base": base.whole, "text": text}),
            weights={**base.weights, self.context.name: context},
            origin=f"{base.origin} + {source}:{self.context.name}",
            replicate_of=self.replicate_of if self.origin.weights is None else "",
            learned_from=read_facts(self.context).learned_from,
        )

    def load(self, placement: Placement) -> "DualEncoder":
        """The model on a device; see load_coop for what it raises."""
        from vlbench.models.coop.loading import load_coop

        return load_coop(
            self.base, self.context, name=self.name, placement=placement, cache=self.origin.cache
        )

    @property
    def _sha256(self) -> str:
        return remembered_sha256(self.context, self.origin.cache)

    @property
    def _base_identity(self) -> Identity:
        try:
            return self.base.identify()
        except WeightsError as error:
            raise WeightsError(
                f"{self.origin.name}: its base: {error} (of {self.origin.name}, --weights is the context)"
            ) from error


def coop(
    origin: Origin,
    /,
    *,
    base: str | None = None,
    context: str | None = None,
    replicate_of: str = "",
    base_weights: str | None = None,
    reference: str | None = None,
) -> CoopCheckpoint:
    """A card's model: `base` with the file `context` beside the card; or that of `coop:FILE`.

    The header of FILE names its base. `replicate_of` is the leaderboard row that this model is one seed of.
    `base_weights` is a file of the user's own for the base, beside the card or anywhere.

    Raises:
        CardError: neither a base nor a file is named, or both.
    """
    if reference is not None and (base, context, origin.folder) == (None, None, None):
        if origin.weights is not None:
            raise CardError(f"{origin.name}: names its context file already; leave out --weights")
        path = Path(reference).expanduser()
        return CoopCheckpoint(origin, None, path, replicate_of)
    if base is None or reference is not None:
        raise CardError(f"{origin.name}: settings want base, the model that the context was learned on")
    if context is not None and origin.folder is None:
        raise CardError(f"{origin.name}: context is relative to a card's folder, and there is no card")
    file = origin.folder / context if context is not None and origin.folder is not None else None
    weights = (origin.folder or Path()) / base_weights if base_weights is not None else None
    return CoopCheckpoint(origin, base, file, replicate_of, weights)
