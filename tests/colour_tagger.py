"""A tagger small enough to compute by hand: colours as tags, with Chinese names and thresholds of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from colour_model import ColourCheckpoint, ColourModel
from torch import Tensor, cdist

from vlbench.core.contracts import Identity, ModelInfo, Origin, Placement, ScoreUnit, Text

CHINESE = {"red": "红", "green": "绿", "blue": "蓝", "yellow": "黄", "white": "白", "black": "黑"}
THRESHOLDS = {"red": 0.6, "green": 0.6, "blue": 0.6, "yellow": 0.6, "white": 0.6, "black": 0.99}


@dataclass
class ColourTagger(ColourModel):
    """The logit of a colour is 4 - 8 d, d being its distance from the image's mean colour."""

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("colour-tagger", ScoreUnit("probability"), (1, 1), 0)

    def score(self, images: Tensor, texts: Tensor) -> Tensor:
        return 4 - 8 * cdist(images, texts)

    def tags(self) -> tuple[Text, ...]:
        return tuple(
            Text(name, ids={"colour": str(position), "zh": chinese})
            for position, (name, chinese) in enumerate(CHINESE.items())
        )

    def tag_thresholds(self, texts: Sequence[Text]) -> Sequence[float]:
        return [THRESHOLDS[text.name] for text in texts]


class ColourTaggerCheckpoint(ColourCheckpoint):
    """Hands out a tagger, which is another model than a `ColourModel`."""

    def identify(self) -> Identity:
        return replace(super().identify(), whole="a tagger")

    def load(self, placement: Placement) -> ColourTagger:
        return ColourTagger()


def colour_tagger(origin: Origin, /, *, reference: str) -> ColourTaggerCheckpoint:
    """An adapter: `colour-tagger:ANYTHING`."""
    return ColourTaggerCheckpoint(name=f"colour-tagger:{reference}")


def colour_model(origin: Origin, /, *, reference: str) -> ColourCheckpoint:
    """An adapter of the model that has no tags of its own: `colour-model:ANYTHING`."""
    return ColourCheckpoint(name=f"colour-model:{reference}")
