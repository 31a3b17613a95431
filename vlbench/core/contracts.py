"""The types that all parts share: what a model is and what a data set is."""

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
    """A class, a tag or a caption, with all that is known about it. A model reads the fields that it can use.

    `prompts` are filled-in templates, `ids` the text's entries in known vocabularies.

    >>> Text("tench", prompts=("a photo of a tench.",), ids={"wnid": "n01440764"}).prompts
    ('a photo of a tench.',)
    """

    name: str
    prompts: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """What the data state about one image. A task kind reads the fields that it needs.

    `label` and `tags` name a class by its name, its id (a wnid, a folder name) or its index. `group` is a
    further attribute of the image (a region, an income), for accuracy by group; empty where the data state
    none. `negatives` lists the tags that are known to be false; all other tags are then unknown. With None,
    every tag that is not in `tags` is false. `unknown` lists tags that may be true or false.

    >>> Target(tags=("dog",), unknown=("cat",)).tags
    ('dog',)
    """

    label: str | int | None = None
    captions: tuple[str, ...] = ()
    tags: tuple[str | int, ...] | None = None
    group: str = ""
    unknown: tuple[str | int, ...] = ()
    negatives: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One image with its target. Loader threads call `image` when they need the image, never before.

    `image` reads the bytes and opens them without decoding. It is a module-level function bound to a path, an
    offset or a row, so that it can be pickled. `state` changes when the bytes may have changed, and is equal
    in two data sets that hold the same file: the cache looks up the image's digest by it. Rendered pictures
    have a `key` instead, which names all that they are made of. `box` is the part of the image that is meant:
    left, top, right and bottom in pixels.

    >>> from functools import partial
    >>> from PIL.Image import new
    >>> Example("red.png", partial(new, "RGB", (8, 8), "red"), Target("red"), key="red 8x8").image().size
    (8, 8)
    """

    id: str
    image: "Callable[[], Image]"
    target: Target
    state: str = ""
    key: str = ""
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Offers:
    """Names, templates and matching items that come with a data set, for tasks whose card states none.

    >>> Offers(names=(Text("cat"), Text("dog"))).names[1].name
    'dog'
    """

    names: tuple[Text, ...] = ()
    templates: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples in a fixed order; each is made when it is asked for.

    `revision` is equal on every machine with the same data: a digest of sorted names and sizes, or a hub
    revision. `reading` records how the data were read.

    >>> pets = Dataset("pets", "1", [Example("a.png", lambda: None, Target("cat"))])
    >>> len(pets), pets[0].target.label
    (1, 'cat')
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
    """A data set as a class, as in version 0.1. `vlbench.core.dataset.as_dataset` converts it."""

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
    """Where a source may look for data: `roots` in order (--data-root, VLBENCH_DATA), the card's folder, a
    cache.

    A relative path in a card is tried under each root. With `verify`, sources check the digests of the bytes.
    With `allow_subset`, images that are listed but missing are left out. The folder of a card that is
    `shipped` with vlbench is no place for a user's data, and no message names it.

    >>> Place(roots=(Path("data"),)).allow_subset
    False
    """

    roots: tuple[Path, ...] = ()
    card_folder: Path | None = None
    cache: Path | None = None
    verify: bool = False
    allow_subset: bool = False
    shipped: bool = False


SourceFactory = Callable[..., Dataset | Source]
"""What a `vlbench.sources` entry point names: a function of a Place and, as keyword-only parameters, the
fields of a card.

It raises SourceMissing where it finds no data. It opens no image, and downloads nothing except from a hub.
"""


@dataclass(frozen=True, slots=True)
class ScoreUnit:
    """How a threshold becomes a score: a cosine (dual encoders) times scale plus bias, or a probability's
    logit.

    >>> ScoreUnit("cosine", scale=100.0).scale
    100.0
    """

    kind: Literal["cosine", "probability"]
    scale: float = 1.0
    bias: float = 0.0


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


Adapter = Callable[..., Checkpoint]
"""What a `vlbench.adapters` entry point names: a function of an Origin and, as keyword-only parameters, the
`settings` of a card.

A name `ADAPTER:REFERENCE` on the command line calls it with `reference=REFERENCE`. It uses neither torch nor
the network.
"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a scoring keeps of a model's scores: arrays by name, such as `prediction["row_ranks"]`.

    Each scoring documents its arrays (vlbench/scorings). `thresholds` [m], where there are any, are the
    task's, else the model's own, in the units that people state (a probability).
    """

    unit: ScoreUnit
    arrays: Mapping[str, "NDArray[Any]"] = field(default_factory=dict)

    def __getitem__(self, name: str) -> "NDArray[Any]":
        return self.arrays[name]

    def get(self, name: str) -> "NDArray[Any] | None":
        """The array with this name; None where the scoring does not keep it."""
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
"""Names that version 0.1 had in this module, and where each one is now."""

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Never:
        if name in _MOVED:
            raise ImportError(f"{name} of vlbench.core.contracts {_MOVED[name]}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
