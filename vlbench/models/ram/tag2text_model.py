"""A loaded Tag2Text: a tagger of its own list that also writes captions, once they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vlbench.core.capabilities import Captioner
from vlbench.core.contracts import Placement
from vlbench.core.errors import Unsupported
from vlbench.models.ram.model import ClosedTaggerModel, TaggerModel
from vlbench.models.ram.settings import TaggerSettings
from vlbench.models.ram.taggers import Tagger

EXTRA, LEAST = "transformers", 5
"""What captions need beside the rest, and its least major version."""

_NONE = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptioningTaggerModel(ClosedTaggerModel):
    """Tag2Text; also a Generates of core/capabilities.py."""

    load_captioner: Callable[[Tagger, Placement], Captioner]

    def captioner(self) -> Captioner:
        """What writes captions of this model's tokens [b, 1 + t, c], in float32 whatever the precision.

        Raises:
            Unsupported: the extra `transformers` is not installed, or too old.
            CardError: the word pieces are wrong.
            WeightsError: the file has no captioning half, or the word pieces cannot be had.
        """
        return self.load_captioner(self.network, self.placement)


def with_captions(model: TaggerModel, settings: TaggerSettings, weights: Path) -> TaggerModel:
    """The model, a CaptioningTaggerModel where the card states sizes of captions; nothing more is read."""
    if settings.captions is None or not isinstance(model, ClosedTaggerModel):
        return model
    parts = {each.name: getattr(model, each.name) for each in fields(model)}
    return CaptioningTaggerModel(**parts, load_captioner=partial(_loaded, model.info.name, settings, weights))


def _loaded(
    name: str, settings: TaggerSettings, weights: Path, network: Tagger, placement: Placement
) -> Captioner:
    installed = _installed()
    if int(installed.partition(".")[0]) < LEAST:
        found = f"not {installed}" if installed != _NONE else "which is not installed"
        raise Unsupported(
            f"{name}: captions need {EXTRA} {LEAST} or later, {found}; pip install 'vlbench[transformers]'"
        )
    from vlbench.models.ram.caption_loading import load_captioner

    return load_captioner(settings, weights, name=name, network=network, placement=placement)


def _installed() -> str:
    try:
        return version(EXTRA)
    except PackageNotFoundError:
        return _NONE
