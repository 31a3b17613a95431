"""The types every part agrees on: what a model and a data set are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never, Protocol

from vlbench.core.item import Item
from vlbench.core.reading import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

Precision = Literal["fp32", "bf16", "fp16"]
PreprocessMode = Literal["exact", "fast"]


@dataclass(frozen=True, slots=True)
class Text:
    """A class, a tag or a caption. It holds all that is known of it; a model reads the part that it can use.

    `prompts` are filled-in sentences, `ids` positions in known vocabularies ({"wnid": "n01440764"}).
    """

    name: str
    prompts: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """What the data say is true of one image. A task kind reads the fields that it asks about.

    `label` and `tags` name a class by its name, its id (a wnid, a folder name) or its index. `group` is a
    further attribute to count the image by (a region, an income); empty where the data state none.
    `negatives` lists the tags that are known to be false; all others are then unknown. It is None where every
    tag that is not stated is false. `unknown` lists tags that may be true or false.
    """

    label: str | int | None = None
    captions: tuple[str, ...] = ()
    tags: tuple[str | int, ...] | None = None
    group: str = ""
    unknown: tuple[str | int, ...] = ()
    negatives: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One image and its truth. Loader threads call `image` when they need it, never before.

    `image` reads the bytes and opens them, undecoded. It is a module's function bound to a path, an offset or
    a row, so that it can be pickled. `state` changes when the bytes may have changed; two data sets state the
    same for one image. The cache finds digests of images by it. Rendered pictures have a `key` instead, which
    names all that they are made of. `box` is the part that counts: left, top, right and bottom in pixels.
    """

    id: str
    image: "Callable[[], Image]"
    target: Target
    state: str = ""
    key: str = ""
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Offers:
    """Names, templates and items that a data set brings along, for tasks whose card states none."""

    names: tuple[Text, ...] = ()
    templates: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples in a fixed order, each made when it is asked for.

    `revision` is equal on every machine with the same data: a digest of sorted names and sizes, or a
    hub revision. `reading` says how the data were read.
    """

    name: str
    revision: str
    examples: Sequence[Example]
    offers: Offers = Offers()
    reading: Reading = field(default_factory=Reading)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]


class Source(Protocol):
    """A data set in the form of version 0.1, a class; `as_dataset` of core/dataset.py converts it."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def offers(self) -> Offers: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Example: ...
    def target(self, index: int) -> Target: ...
    def fingerprint(self, index: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source may look: `roots` in order (--data-root, VLBENCH_DATA), the card's folder, a cache.

    Relative paths of a card are tried under each root. `verify` asks for digests of the bytes;
    `allow_subset` takes those of listed images that are there.
    """

    roots: tuple[Path, ...] = ()
    card_folder: Path | None = None
    cache: Path | None = None
    verify: bool = False
    allow_subset: bool = False


SourceFactory = Callable[..., Dataset | Source]
"""What `vlbench.sources` entry points name: a function of a Place, by keyword-only fields of a card.

It raises SourceMissing where it finds no data. It opens no image, and downloads nothing but from a hub.
"""


@dataclass(frozen=True, slots=True)
class ScoreUnit:
    """How a threshold becomes a score: a cosine (dual encoders) * scale + bias, or a probability's logit."""

    kind: Literal["cosine", "probability"]
    scale: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of everything that can change what a model computes, known before its weights are loaded.

    `weights` maps a file name to its SHA-256; `origin` says where it came from. `replicate_of` names the
    row that this model is one seed of; empty if it stands alone. `learned_from` are the digests of the images
    that it was fitted on (core/image.py), where that is recorded.
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
    """Where and how a model runs: a torch device string, a precision."""

    device: str = "cpu"
    precision: Precision = "fp32"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Facts of a loaded model; `parameters` counts both sides, `image_size` is (height, width).

    `feature_shape` is that of one image's features, which the engine plans its memory by. `changes` say what
    was converted, resampled, renamed or not read of its files; empty where all is as it lay there.
    """

    name: str
    unit: ScoreUnit
    image_size: tuple[int, int]
    parameters: int
    feature_shape: tuple[int, ...] = ()
    changes: tuple[str, ...] = ()


class Model(Protocol):
    """A loaded model: encoders whose first axis counts items, and a score that reads both sides.

    `preprocess` turns one image into what `encode_images` takes a batch of; it is picklable and
    thread-safe, and runs in loader workers. Features are float32 on the model's device, those of images as
    they are projected: what a score needs of them, unit length say, `score` does itself. Row i of any
    answer depends on item i alone; at one batch shape it is the same to the last bit. Features [m, k, ...]
    of texts may have a k that grows with the prompts or descriptions of a call's longest text; rows of
    zeros behind its own change no score of a text.
    """

    @property
    def info(self) -> ModelInfo: ...
    @property
    def preprocess(self) -> "Callable[[Image], Tensor]": ...
    def encode_images(self, pixels: "Tensor") -> "Tensor": ...
    def encode_texts(self, texts: Sequence[Text], *, batch_size: int) -> "Tensor": ...
    def score(self, images: "Tensor", texts: "Tensor") -> "Tensor": ...


class Checkpoint(Protocol):
    """A model that is named and not loaded. `identify` may fetch and digest files; it imports no torch
    once the files are known to the cache.

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
    """What an adapter is given beside its card's settings.

    `folder` holds the card's data files, `weights` is the user's own file, `cache` remembers digests.
    `open(name, weights=None)` names another model, for one that is built on top of it.
    """

    name: str
    folder: Path | None = None
    weights: Path | None = None
    cache: Path | None = None
    preprocess: PreprocessMode = "exact"
    open: "Callable[..., Checkpoint] | None" = None


Adapter = Callable[..., Checkpoint]
"""What `vlbench.adapters` entry points name: a function of an Origin, by keyword-only `settings` of a card.

A name `ADAPTER:REFERENCE` on the command line calls it with `reference=REFERENCE` alone. It touches neither
torch nor the network.
"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What scoring kept of a model's scores: arrays by name; `prediction["row_ranks"]` is one of them.

    A scoring says what its arrays hold (vlbench/scorings). `thresholds` [m] are the task's, else the model's
    own, in the units that people state (a probability), where there are any.
    """

    unit: ScoreUnit
    arrays: Mapping[str, "NDArray[Any]"] = field(default_factory=dict)

    def __getitem__(self, name: str) -> "NDArray[Any]":
        return self.arrays[name]

    def get(self, name: str) -> "NDArray[Any] | None":
        """The array of a name; None where the scoring does not keep it."""
        return self.arrays.get(name)

    def under(self, thresholds: Sequence[float | None]) -> "Prediction":
        """The same prediction with thresholds, one for each text, in the units that people state.

        >>> Prediction(ScoreUnit("cosine")).under([0.25, 0.5])["thresholds"]
        array([0.25, 0.5 ])
        """
        import numpy as np

        return Prediction(self.unit, {**self.arrays, "thresholds": np.array(thresholds, dtype=np.float64)})


_MOVED = {
    **dict.fromkeys(
        ("Expectation", "ProtocolStatement", "Task", "TaskKind", "TaskRequest"),
        "is in vlbench.core.task; a Task's `scoring` is SCORINGS.get(NAME) of vlbench.core.registry",
    ),
    "Problem": (
        "is in vlbench.core.problem, and has candidates=images, queries=by_words(texts) and "
        'groups={"group": Groups("candidates", labels)} in place of images, texts and groups'
    ),
    "Metric": "is in vlbench.core.metric; put @metric(...) of that module above a metric's function",
    "Scoring": "is in vlbench.core.scoring, a value: SCORINGS.get(NAME) of vlbench.core.registry",
    "Tuning": "is gone: what learns from another split is a Method of vlbench.core.method",
}
"""What version 0.1 had in this module, and where it went."""

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Never:
        if name in _MOVED:
            raise ImportError(f"{name} of vlbench.core.contracts {_MOVED[name]}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
