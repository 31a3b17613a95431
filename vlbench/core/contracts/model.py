"""What a model is: named, loaded, and asked for features and scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from vlbench.core.contracts.data import Text
from vlbench.core.contracts.prediction import ScoreUnit

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

Precision = Literal["fp32", "bf16", "fp16"]
PreprocessMode = Literal["exact", "fast"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of everything that can change what a model computes, known before its weights are loaded.

    `weights` maps a file name to its SHA-256; `origin` states where the file came from. `replicate_of` is the
    leaderboard row of which this model is one seed; empty for a model of its own. `learned_from` holds the
    digests of the images that it was fitted on (core/image.py), where they are recorded.

    >>> Identity(image="i1", text="t1", whole="m1").learned_from
    ()
    """

    image: str
    text: str
    whole: str
    weights: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    replicate_of: str = ""
    learned_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a model runs: a torch device string and a precision.

    >>> Placement()
    Placement(device='cpu', precision='fp32')
    """

    device: str = "cpu"
    precision: Precision = "fp32"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts about a loaded model. `parameters` counts both sides, `image_size` is (height, width) in pixels.

    `feature_shape` is the shape of one image's features, from which the engine plans its memory. `changes`
    lists what was converted, resampled, renamed or not read from its files; empty where nothing was.

    >>> ModelInfo("mine", ScoreUnit("cosine"), image_size=(224, 224), parameters=151_000_000).changes
    ()
    """

    name: str
    unit: ScoreUnit
    image_size: tuple[int, int]
    parameters: int
    feature_shape: tuple[int, ...] = ()
    changes: tuple[str, ...] = ()


class Model(Protocol):
    """A loaded model: encoders whose first axis counts items, and a score that reads both sides.

    `preprocess` turns one image into one item of the batch that `encode_images` takes. It can be pickled, is
    thread-safe, and runs in loader workers. Features are float32 on the model's device. Image features are
    the projected ones; where a score needs unit length, `score` normalises them. Row i of an answer depends
    on item i alone, and is equal to the last bit for one batch shape. In text features [m, k, ...], k may
    grow with the number of prompts or descriptions of the longest text in a call; further rows of zeros do
    not change the score of a text.
    """

    @property
    def info(self) -> ModelInfo: ...
    @property
    def preprocess(self) -> "Callable[[Image], Tensor]": ...
    def encode_images(self, pixels: "Tensor") -> "Tensor": ...
    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> "Tensor": ...
    def score(self, images: "Tensor", texts: "Tensor") -> "Tensor": ...


class Checkpoint(Protocol):
    """A model that is named but not loaded.

    `identify` may fetch and digest files; it does not import torch once the cache knows the files.
    `capabilities` are those of core/capabilities.py that the loaded model has, known before it is loaded.
    """

    @property
    def name(self) -> str: ...
    @property
    def adapter(self) -> str: ...
    @property
    def capabilities(self) -> frozenset[str]: ...
    @property
    def preprocess_mode(self) -> PreprocessMode: ...
    def identify(self) -> Identity: ...
    def load(self, placement: Placement) -> Model: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What an adapter is given besides the settings of its card.

    `folder` holds the card's data files, `weights` is the user's own file, `cache` is where digests are kept.
    `step` is the training step of these weights, where they are one checkpoint of several.
    `open(name, weights=None)` returns the checkpoint of another model, for a model that is built on top of
    it.

    >>> Origin("mine", weights=Path("mine.pt")).preprocess
    'exact'
    """

    name: str
    folder: Path | None = None
    weights: Path | None = None
    cache: Path | None = None
    preprocess: PreprocessMode = "exact"
    open: "Callable[..., Checkpoint] | None" = None
    step: int | None = None


Adapter = Callable[..., Checkpoint]
"""What a `vlbench.adapters` entry point names: a function of an Origin and, as keyword-only parameters, the
`settings` of a card.

A name `ADAPTER:REFERENCE` on the command line calls it with `reference=REFERENCE`. It uses neither torch nor
the network.
"""
