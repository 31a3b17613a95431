"""What a data set is: examples with their targets, and what comes with them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vlbench.core.item import Item
from vlbench.core.reading import Reading

if TYPE_CHECKING:
    from PIL.Image import Image


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
