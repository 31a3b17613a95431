"""Which fields of a record hold the images and texts of an item, and the items made from records."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vlbench.core.errors import DataError
from vlbench.core.item import Item

Field = str | int
"""A key of an object (`bbox.x` is x in the object bbox), or a position in a list."""
Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of an image, in pixels."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class ItemFields:
    """The fields of a record that hold an item, by key, or by position where a record is a list.

    `images` has one or more fields. With one image, all texts of `right` are true of it; with several, the
    first text is true of the first image, and so on. Texts of `wrong` are true of none. A field may hold one
    text or a list. `options` is a list of texts of which one is true: the one that `answer` names ("(B)", "B"
    or its position), or the first without such a field; `question` is put before each. `box` is left, top,
    width and height, in pixels, of the part of the image that is meant. `labels` are what items are grouped
    by; a list is joined by `_`. Records with a number below that in `least` are left out.
    """

    images: list[Field]
    right: list[Field] = field(default_factory=list)
    wrong: list[Field] = field(default_factory=list)
    options: Field | None = None
    answer: Field | None = None
    question: Field | None = None
    box: list[Field] = field(default_factory=list)
    labels: dict[str, Field] = field(default_factory=dict)
    least: dict[str, int] = field(default_factory=dict)

    @property
    def texts(self) -> list[Field]:
        return [*self.right, *self.wrong, *([] if self.options is None else [self.options])]

    @property
    def said(self) -> list[str]:
        """The fields of a record that are read apart from the images; of nested ones the outermost."""
        others = [each for each in (self.answer, self.question) if each is not None]
        all_of = (*self.texts, *others, *self.box, *self.labels.values(), *self.least)
        return list(dict.fromkeys(str(each).split(".")[0] for each in all_of))


def value_of(record: object, key: Field, where: str) -> object:
    """The value of a field of a record.

    Raises:
        DataError: the record has no such field.
    """
    if isinstance(record, Mapping) and key in record:
        return record[key]
    if isinstance(record, list) and isinstance(key, int) and 0 <= key < len(record):
        return record[key]
    if isinstance(key, str) and "." in key:
        outer, _, inner = key.partition(".")
        return value_of(value_of(record, outer, where), inner, where)
    has = ", ".join(map(str, record)) if isinstance(record, Mapping) else ""
    has = f"{len(record)} values" if isinstance(record, list) else has
    raise DataError(f"{where} has no {key!r}, but {has or 'nothing'}; fetch the file again, or name another")


def too_little(record: object, fields: ItemFields, where: str) -> str:
    """Why a record is left out; empty if it is kept.

    Raises:
        DataError: a field of `least` is missing or is no number.
    """
    for path, least in fields.least.items():
        value = value_of(record, path, where)
        if not isinstance(value, int):
            raise DataError(f"{where}: {path} is {value!r} and no whole number; fetch the file again")
        if value < least:
            return f"items whose {path} is below {least}"
    return ""


def item_of(record: object, fields: ItemFields, name: str, where: str) -> Item:
    """Make the item of a record; its images are numbered from 0 in the order of their fields.

    `name` is its id; `where` names the record in errors.

    Raises:
        DataError: a field is missing or has the wrong type, or no text is right.
    """
    texts: list[str] = []
    right: list[tuple[int, int]] = []
    for place, key in enumerate(fields.right):
        for text in _texts(record, key, where):
            right.append((place if len(fields.images) > 1 else 0, len(texts)))
            texts.append(text)
    if len(fields.images) > 1 and len(right) != len(fields.images):
        raise DataError(
            f"{where} has {len(right)} right texts for {len(fields.images)} images; name one field for each"
        )
    for key in fields.wrong:
        texts += _texts(record, key, where)
    if fields.options is not None:
        options = _texts(record, fields.options, where)
        right.append((0, len(texts) + _answer(record, fields, len(options), where)))
        asked = () if fields.question is None else _texts(record, fields.question, where)
        texts += [" ".join([*asked, option]) for option in options]
    if not right:
        raise DataError(f"{where} has no right text; name its field as `right` or `options`")
    labels = {label: _label(value_of(record, key, where), where) for label, key in fields.labels.items()}
    return Item(name, tuple(range(len(fields.images))), tuple(texts), tuple(right), labels)


def box_of(record: object, fields: ItemFields, where: str) -> Box | None:
    """The part of a record's image that is meant: left, top, right and bottom in pixels; None for all of it.

    Raises:
        DataError: it does not have four numbers, or contains no pixel.
    """
    if not fields.box:
        return None
    values = [value_of(record, key, where) for key in fields.box]
    numbers = [each for each in values if isinstance(each, int | float) and math.isfinite(each)]
    if len(numbers) != 4 or len(values) != 4:
        raise DataError(f"{where}: box {values} is no left, top, width and height; fetch the file again")
    left, top, width, height = map(round, numbers)
    if width < 1 or height < 1:
        raise DataError(f"{where}: box {values} holds no pixel; fetch the file again")
    return left, top, left + width, top + height


def mark_of(box: Box | None) -> str:
    """The mark that a box adds to the id and the state of its image; empty without a box."""
    return "" if box is None else f"#{','.join(map(str, box))}"


def _texts(record: object, key: Field, where: str) -> Sequence[str]:
    """The texts of a field, without surrounding blanks."""
    value = value_of(record, key, where)
    found = value if isinstance(value, list) else [value]
    texts = [each.strip() for each in found if isinstance(each, str)]
    if len(texts) != len(found) or not all(texts) or not texts:
        raise DataError(f"{where}: {key} {value!r} is no text and no list of texts; fetch the file again")
    return texts


def _answer(record: object, fields: ItemFields, count: int, where: str) -> int:
    """The index of the right option, from 0."""
    if fields.answer is None:
        return 0
    value = value_of(record, fields.answer, where)
    place = _LETTERS.find(value.strip().strip("()").upper() or "?") if isinstance(value, str) else value
    if not isinstance(place, int) or not 0 <= place < count:
        raise DataError(f"{where}: answer {value!r} names none of {count} options; fetch the file again")
    return place


def _label(value: object, where: str) -> str:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int) for each in parts):
        raise DataError(f"{where}: label {value!r} is no word, number or list of words; fetch the file again")
    return "_".join(map(str, parts))
