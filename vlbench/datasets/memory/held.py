"""Data that a user's program holds, in place of a task's name."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Literal

from vlbench.core.errors import DataError
from vlbench.core.method import SplitName
from vlbench.core.reading import wrong_template

Truth = Literal["label", "captions", "tags"]
"""What data state about an image."""
KIND_OF: Mapping[Truth, str] = {"label": "classification", "captions": "retrieval", "tags": "tagging"}
"""The kind of task that asks for it."""
_SPLITS: Mapping[str, SplitName] = {
    "train": "train",
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
}
"""The splits by the names that people give them in mappings."""


@dataclass(frozen=True, slots=True)
class HeldData:
    """Images with their truth, as `vlbench.data` describes them; each evaluation reads them anew.

    `splits` are other images of the same question, and `unused` the names of those that have no such part.
    """

    data: Any
    name: str = ""
    truth: Truth | None = None
    classnames: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    splits: Mapping[SplitName, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()


def data(
    data: Any,
    *,
    train: Any = None,
    validation: Any = None,
    name: str = "",
    truth: Truth | None = None,
    classnames: Sequence[str] = (),
    templates: str | Sequence[str] = (),
) -> HeldData:
    """Name data in memory as a task of `evaluate`.

    `data` is a `datasets.Dataset`, a data set of torch with `len`, a frame of pandas, or a list. Its items
    are pairs of an image and its truth, or mappings with `image` and any of `label`, `captions`, `tags` and
    `group`. An image is a picture of Pillow, a path, encoded bytes, or an array [h, w, 3] or [h, w] of uint8.
    The kind of task follows from the truth: a label makes a classification, captions a retrieval, tags a
    tagging. `truth` says which is meant where the items state several, or words that may be captions or tags.

    `train` and `validation` are other images of the same classes or tags: methods learn from them, and the
    best of several checkpoints is chosen by the validation split. A `datasets.DatasetDict` or another mapping
    is taken with its `test`, `train` and `validation`.

    `classnames` are the classes or tags in the order of their numbers; without them, those of the data set
    (`ClassLabel`, torchvision's `classes`) are used. `templates` replace those of the kind.

    Every call reads and digests all images anew, so that changed ones are never scored by old features.

    Raises:
        DataError: the data cannot be read by position, or a template is wrong.

    >>> from PIL.Image import new
    >>> pairs = [(new("RGB", (32, 32), colour), colour) for colour in ("red", "blue")]
    >>> data(pairs, name="colours").name
    'colours'
    """
    given: dict[SplitName, Any] = {"train": train, "validation": validation}
    splits = {split: each for split, each in given.items() if each is not None}
    unused: tuple[str, ...] = ()
    if isinstance(data, Mapping):
        data, splits, unused = _parts(data, splits)
    for where, each in (("", data), *((f"{split}: ", each) for split, each in splits.items())):
        if isinstance(each, str | bytes | Mapping) or not all(
            hasattr(each, needed) for needed in ("__len__", "__getitem__")
        ):
            raise DataError(
                f"data in memory: {where}{type(each).__name__} has no length and no items by position; pass "
                "a list, a datasets.Dataset or a data set of torch with both, or the name of a task"
            )
    if truth is not None and truth not in KIND_OF:
        raise DataError(f"data in memory: truth is {truth!r}; give {' or '.join(KIND_OF)}")
    if not isinstance(name, str) or not name.isprintable():
        raise DataError(f"data in memory: the name {name!r} is no line of text; give another one")
    names = _words("classnames", classnames)
    filled = (templates,) if isinstance(templates, str) else _words("templates", templates)
    for template in filled:
        if wrong := wrong_template(template):
            raise DataError(f"data in memory: template {template!r} {wrong}")
    return HeldData(data, name, truth, names, filled, splits, unused)


def _words(what: str, words: Any) -> tuple[str, ...]:
    unordered = isinstance(words, str | Mapping | Set) or not isinstance(words, Iterable)
    listed = () if unordered else (*words,)
    if unordered or not all(isinstance(each, str) for each in listed):
        raise DataError(f"data in memory: {what} are no list of words, in their order, but {words!r:.60}")
    return listed


def _parts(
    data: Mapping[Any, Any], given: Mapping[SplitName, Any]
) -> tuple[Any, dict[SplitName, Any], tuple[str, ...]]:
    """What a mapping scores, its splits, and the names of its other parts."""
    if "image" in data:
        raise DataError(
            "data in memory: a mapping of columns; pass its rows: datasets.Dataset.from_dict(data), or a "
            "frame of pandas"
        )
    if "test" not in data:
        raise DataError(
            f"data in memory: a mapping of {', '.join(map(str, data)) or 'nothing'}; call what is scored "
            f"`test`, or pass one of its values: vlbench.data(data[{next(iter(data), 'test')!r}])"
        )
    if given:
        raise DataError(f"data in memory: a mapping has its own splits; leave {' and '.join(given)} out")
    splits: dict[SplitName, Any] = {}
    unused = []
    for name, each in data.items():
        split = _SPLITS.get(name)
        if split is not None and split not in splits:
            splits[split] = each
        elif name != "test":
            unused.append(str(name))
    return data["test"], splits, tuple(unused)
