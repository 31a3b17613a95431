"""CoOp: a CLIP whose prompts begin with learned vectors instead of words (Zhou et al. 2022)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.capabilities import NAMES_ALONE
from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Checkpoint, Identity, Origin, Placement
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError, WeightsError
from vlbench.models.clip.checkpoint import DUAL_ENCODER
from vlbench.models.coop.context import read_facts
from vlbench.models.shared.named import NamedCheckpoint, beside_card, identify_base, open_base

if TYPE_CHECKING:
    from vlbench.models.shared.dual_encoder import DualEncoder

NAME = "coop"
"""The name of the adapter, and the scheme in `coop:FILE`."""

_TEXTS = "vlbench.models.coop.loading"
"""The root module of the text side, in addition to the base's."""


@dataclass(frozen=True)  # no slots: cached_property
class CoopCheckpoint(NamedCheckpoint):
    """A base model and a context file, as a Checkpoint of core/contracts. Both are opened when needed.

    `base_name` is the base that the card names; None means the one in the context's header. `file` is the
    card's context, None without one.
    """

    base_name: str | None
    file: Path | None
    replicate_of: str = ""
    base_weights: Path | None = None
    adapter: str = NAME
    capabilities: frozenset[str] = DUAL_ENCODER | {NAMES_ALONE}

    @property
    def weights(self) -> Path:
        """The context file.

        Raises:
            WeightsError: neither the card nor the user names a file, or the file does not exist.
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
            UnknownName: there is no model with this name.
            CardError: the base is itself a CoOp model.
            Unsupported: models are not opened by name here.
        """
        name = read_facts(self.weights).base if self.base_name is None else self.base_name
        found = open_base(self.origin, name, self.base_weights, what="base")
        if found.adapter == self.adapter:
            raise CardError(
                f"{self.origin.name}: its base {name!r} has a learned context itself; name a CLIP"
            )
        return found

    def identify(self) -> Identity:
        """Digests of the base's image side, which all of its contexts share, and of a text side of its
        own."""
        context = self.weights_sha256  # before the base's files, which may have to be fetched
        base = identify_base(self.origin, self.base, what="base", own="the context")
        code = digest_of_code(_TEXTS, cache=self.origin.cache)
        text = digest_of({"base": base.text, "context": context, "code": code})
        source = "file" if self.origin.weights is not None or self.origin.folder is None else "folder"
        return Identity(
            image=base.image,
            text=text,
            whole=digest_of({"base": base.whole, "text": text}),
            weights={**base.weights, self.weights.name: context},
            origin=f"{base.origin} + {source}:{self.weights.name}",
            replicate_of=self.replicate_of if self.origin.weights is None else "",
            learned_from=read_facts(self.weights).learned_from,
        )

    def load(self, placement: Placement) -> "DualEncoder":
        """The model on a device. For errors see load_coop."""
        from vlbench.models.coop.loading import load_coop

        return load_coop(
            self.base, self.weights, name=self.name, placement=placement, cache=self.origin.cache
        )


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
    """A card's model: `base` with the file `context` next to the card; or the model of `coop:FILE`.

    The header of FILE names its base. `replicate_of` is the leaderboard row of which this model is one seed.
    `base_weights` is the user's own file for the base, with a path relative to the card or absolute.

    Raises:
        CardError: the settings name neither a base nor a file, or both.
    """
    if reference is not None and (base, context, origin.folder) == (None, None, None):
        if origin.weights is not None:
            raise CardError(f"{origin.name}: names its context file already; leave out --weights")
        path = Path(reference).expanduser()
        return CoopCheckpoint(origin, None, path, replicate_of)
    if base is None or reference is not None:
        raise CardError(f"{origin.name}: settings want base, the model that the context was learned on")
    file = None if context is None else beside_card(origin, context, "context")
    weights = None if base_weights is None else beside_card(origin, base_weights, "base_weights")
    return CoopCheckpoint(origin, base, file, replicate_of, weights)


def card_text(
    *,
    title: str,
    base: str,
    context: str,
    about: str,
    replicate_of: str = "",
    base_weights: str = "",
    seen: Mapping[str, Sequence[str]],
) -> str:
    """The YAML of a model card for a base and the context file `context` next to the card.

    `replicate_of` is the leaderboard row of which the model is one seed; empty if it stands alone.
    `base_weights` is the user's own file for the base; empty for the base's own. `seen` are the card's fields
    of the data sets that base and context saw (fitting/seen.py).
    """
    settings = {"base": base, "context": context}
    if base_weights:
        settings["base_weights"] = base_weights
    if replicate_of:
        settings["replicate_of"] = replicate_of
    fields: dict[str, object] = {
        "title": title,
        "adapter": NAME,
        "settings": settings,
        "family": NAME,
        "about": about,
        "paper": {"title": "Learning to Prompt for Vision-Language Models", "arxiv": "2109.01134"},
    }
    fields |= seen
    # JSON is YAML, and quotes what YAML would read as something else
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
