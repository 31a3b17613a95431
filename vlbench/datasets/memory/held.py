"""Data that a user's program holds, in place of a task's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vlbench.core.errors import DataError
from vlbench.core.reading import wrong_template

Truth = Literal["label", "captions", "tags"]
"""What data state about an image."""
KIND_OF: Mapping[Truth, str] = {"label": "classification", "captions": "retrieval", "tags": "tagging"}
"""The kind of task that asks for it."""


@dataclass(frozen=True, slots=True)
class HeldData:
    """Images with their truth, as `vlbench.data` describes them; each evaluation reads them anew."""

    data: Any
    name: str = ""
    truth: Truth | None = None
    classnames: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()


def data(
    data: Any,
    *,
    name: str = "",
    truth: Truth | None = None,
    classnames: Sequence[str] = (),
    templates: Sequence[str] = (),
) -> HeldData:
    """Name data in memory as a task of `evaluate`.

    `data` is a `datasets.Dataset`, a data set of torch with `len`, or a list. Its items are pairs of an image
    and its truth, or mappings with `image` and any of `label`, `captions`, `tags` and `group`. An image is a
    picture of Pillow, a path, encoded bytes, or an array [h, w, 3] or [h, w] of uint8. The kind of task
    follows from the truth: a label makes a classification, captions a retrieval, tags a tagging. `truth` says
    which is meant where the items state several, or words that may be captions or tags.

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
    if isinstance(data, Mapping):
        some = ", ".join(map(str, data))
        raise DataError(f"data in memory: a mapping of {some}; pass one of its values, such as data['test']")
    if isinstance(data, str | bytes) or not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise DataError(
            f"data in memory: {type(data).__name__} has no length and no items by position; pass a list, a "
            "datasets.Dataset or a data set of torch with both"
        )
    for what, words in (("classnames", classnames), ("templates", templates)):
        listed = isinstance(words, Sequence) and not isinstance(words, str)
        if not listed or not all(isinstance(each, str) for each in words):
            raise DataError(f"data in memory: {what} are no list of words, in their order, but {words!r:.60}")
    if not name.isprintable():
        raise DataError(f"data in memory: the name {name!r} holds a control character; give another one")
    if truth is not None and truth not in KIND_OF:
        raise DataError(f"data in memory: truth is {truth!r}; give {' or '.join(KIND_OF)}")
    for template in templates:
        if wrong := wrong_template(template):
            raise DataError(f"data in memory: template {template!r} {wrong}")
    return HeldData(data, name, truth, tuple(classnames), tuple(templates))
