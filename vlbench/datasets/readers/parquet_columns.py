"""Which columns of parquet files hold images and what is said of them, and how these are read."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from vlbench.core.contracts import Target, Text
from vlbench.core.errors import DataError
from vlbench.core.reading import Tally
from vlbench.datasets.readers.annotation import BLANK, NEGATIVE_TAGS, UNKNOWN_TAGS, target_of, text_of
from vlbench.datasets.readers.item_fields import ItemFields

ColumnUse = Literal["image", "label", "captions", "tags", "unknown_tags", "negative_tags", "group"]
"""What a column is for."""
WhichCaptions = Literal["first", "all"]
"""Which of an image's captions are asked for."""
IMAGE_COLUMNS = ("image", "img", "jpg", "jpeg", "png", "webp")
LABEL_COLUMNS = ("label", "fine_label", "cls", "class", "target", "labels", "category", "class_name")
CAPTION_COLUMNS = ("captions", "caption", "text", "texts", "sentences", "raw", "txt")
TAG_COLUMNS = ("tags", "labels", "classes")
_OF_TAGS: tuple[ColumnUse, ...] = ("unknown_tags", "negative_tags")
BYTES = "bytes"
"""The field of an image that is a record of bytes and path, as `datasets` writes it."""
SENTENCE = "raw"
"""The field of a caption that is a record of its own, as in the Karpathy files."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns as a card gives them, the usual names where it does not.

    `where` chooses rows, `captions` among the captions of an image. `items` are named where a row is an item
    of several images or texts; then nothing else is but `where`.
    """

    named: Mapping[ColumnUse, str | list[str]] = field(default_factory=dict)
    where: Mapping[str, str | int] = field(default_factory=dict)
    captions: WhichCaptions = "all"
    items: ItemFields | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Columns that are there and of a fitting type; `leaf` is the path of the encoded images."""

    leaf: str
    label: str | None
    captions: tuple[str, ...]
    tags: str | None
    unknown_tags: str | None
    negative_tags: str | None
    group: str | None

    @property
    def said(self) -> tuple[str, ...]:
        """The columns that say what is true of an image."""
        tags = self.tags, self.unknown_tags, self.negative_tags
        return tuple(each for each in (self.label, *self.captions, *tags, self.group) if each)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that the card chose: its position in the file and what it says of its image."""

    position: int
    target: Target


def find_columns(schema: Any, columns: Columns, path: str) -> Found:
    """The columns of a file's Arrow schema that a card names, or that have the usual names.

    Raises:
        DataError: a named column is not there or of another type, or no column holds images.
    """
    # a column of such a name is for nothing else: one of another type is refused, not passed over
    own: dict[ColumnUse, str | list[str]] = {use: use for use in _OF_TAGS if use in schema.names}
    columns = replace(columns, named={**own, **columns.named})
    images = _pick(schema, columns, _Use("image", IMAGE_COLUMNS, _is_image), path)
    if not images:
        raise DataError(f"{path}: no column holds images; it has {_listed(schema)}: name one as `image`")
    labels = _pick(schema, columns, _Use("label", LABEL_COLUMNS, _is_label), path)
    tags = _pick(schema, columns, _Use("tags", TAG_COLUMNS, _is_tags), path)
    unknown = _pick(schema, columns, _Use("unknown_tags", (), _is_tags), path)
    negative = _pick(schema, columns, _Use("negative_tags", (), _is_tags), path)
    groups = _pick(schema, columns, _Use("group", (), _is_label), path)
    return Found(
        leaf=image_leaf(schema, images[0], path),
        label=next(iter(labels), None),
        captions=tuple(_pick(schema, columns, _Use("captions", CAPTION_COLUMNS, _is_captions), path)),
        tags=next(iter(tags), None),
        unknown_tags=next(iter(unknown), None),
        negative_tags=next(iter(negative), None),
        group=next(iter(groups), None),
    )


def image_leaf(schema: Any, column: str, path: str) -> str:
    """The path of the encoded images of a column.

    Raises:
        DataError: there is no such column, or it holds no images.
    """
    (name,) = _pick(schema, Columns({"image": column}), _Use("image", (), _is_image), path)
    return f"{name}.{BYTES}" if _is_record_with(BYTES, schema.field(name).type) else name


def columns_read(schema: Any, found: Found) -> str:
    """Which columns say what is true, with their types; those of the file where none does."""
    image = found.leaf.removesuffix(f".{BYTES}")
    if found.said:
        return "columns " + _typed(schema, found.said)
    others = [name for name in schema.names if name != image]
    there = _typed(schema, others) or "none"
    return f"no column that is known; beside {image} there are {there}: rename one to label, captions or tags"


def columns_passed_over(schema: Any, found: Found, columns: Columns) -> tuple[str, ...]:
    """Remarks on columns that would fit as well as the one that was taken."""
    if found.label is None or "label" in columns.named:
        return ()
    others = [
        name
        for name in LABEL_COLUMNS
        if name in schema.names and name != found.label and _is_label(schema.field(name).type)
    ]
    return (f"labels are of {found.label!r}; {_typed(schema, others)} would fit too",) if others else ()


def _typed(schema: Any, names: Iterable[str]) -> str:
    return ", ".join(f"{name!r} ({schema.field(name).type})" for name in names)


def read_rows(parquet_file: Any, found: Found, columns: Columns, path: str, tally: Tally) -> Iterator[Row]:
    """The chosen rows of a file with their targets; the column of images is not read.

    Captions of blanks alone, and null ones, are left out and counted.

    Raises:
        DataError: a column to choose by is not there, or the file is damaged.
    """
    for name in columns.where:
        if name not in parquet_file.schema_arrow.names:
            raise DataError(
                f"{path}: no column {name!r} to choose by; it has {_listed(parquet_file.schema_arrow)}"
            )
    values = read_values(parquet_file, [*found.said, *columns.where], path)
    for position in range(parquet_file.metadata.num_rows):
        where = f"{path}: row {position}"
        if all(values[name][position] == value for name, value in columns.where.items()):
            captions = [each for name in found.captions for each in _sentences(values[name][position])]
            blank = [each for each in captions if not each.strip()]
            if blank:
                tally.leave_out(BLANK, where, len(blank))
            captions = [each for each in captions if each.strip()]
            record = {
                "label": values[found.label][position] if found.label else None,
                "captions": captions[:1] if columns.captions == "first" else captions,
                "tags": values[found.tags][position] if found.tags else None,
                UNKNOWN_TAGS: values[found.unknown_tags][position] if found.unknown_tags else None,
                NEGATIVE_TAGS: values[found.negative_tags][position] if found.negative_tags else None,
                "group": values[found.group][position] if found.group else None,
            }
            yield Row(position, target_of(record, where, tally))


def read_values(parquet_file: Any, columns: Iterable[str], path: str) -> dict[str, list[Any]]:
    """The values of some columns of a file, by their names.

    Raises:
        DataError: a column is not there, or the file is damaged.
    """
    from pyarrow import ArrowException

    wanted = sorted(set(columns))
    for name in wanted:
        if name not in parquet_file.schema_arrow.names:
            raise DataError(f"{path}: no column {name!r}; it has {_listed(parquet_file.schema_arrow)}")
    try:
        table = parquet_file.read(columns=wanted)
    except (ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged ({error}); fetch it again") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}


def class_names(schema: Any, found: Found) -> tuple[Text, ...]:
    """Names that the Hugging Face metadata give to the indices of labels, else of tags."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return ()
    for column in (found.label, found.tags):
        feature = features.get(column) if column and isinstance(features, dict) else None
        if isinstance(feature, dict):
            feature = feature.get("feature", feature)
        if isinstance(feature, list) and len(feature) == 1:
            feature = feature[0]
        if isinstance(feature, dict) and isinstance(feature.get("names"), list):
            return tuple(text_of(str(name)) for name in feature["names"])
    return ()


@dataclass(frozen=True, slots=True)
class _Use:
    """What a column is for, its usual names, and whether a type fits."""

    what: ColumnUse
    usual: tuple[str, ...]
    fits: Callable[[Any], bool]


def _pick(schema: Any, columns: Columns, use: _Use, path: str) -> list[str]:
    named = columns.named.get(use.what)
    if named is None:
        fitting = (name for name in use.usual if name in schema.names and use.fits(schema.field(name).type))
        return list(islice(fitting, 1))
    names = [named] if isinstance(named, str) else named
    if len(names) != 1 and use.what != "captions":
        raise DataError(f"{path}: {len(names)} columns are named as `{use.what}`; name one")
    for name in names:
        if name not in schema.names:
            raise DataError(f"{path}: no column {name!r}; it has {_listed(schema)}")
        if not use.fits(schema.field(name).type):
            raise DataError(
                f"{path}: column {name!r} is {schema.field(name).type} and holds no {use.what}; name another"
            )
    return names


def _listed(schema: Any) -> str:
    return ", ".join(schema.names)


def _sentences(value: object) -> list[str]:
    """The captions of a cell; one of null is blank, in a list as well."""
    if value is None:
        return [""]
    if isinstance(value, dict):
        return _sentences(value[SENTENCE])
    if isinstance(value, list):
        return [sentence for each in value for sentence in _sentences(each)]
    return [str(value)]


def _is_image(kind: Any) -> bool:
    from pyarrow import types

    return _is_record_with(BYTES, kind) or types.is_binary(kind) or types.is_large_binary(kind)


def _is_label(kind: Any) -> bool:
    from pyarrow import types

    return types.is_integer(kind) or _is_string(kind)


def _is_captions(kind: Any) -> bool:
    if _is_list(kind):
        return _is_captions(kind.value_type)
    return _is_string(kind) or _is_record_with(SENTENCE, kind)


def _is_tags(kind: Any) -> bool:
    return _is_list(kind) and _is_label(kind.value_type)


def _is_string(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_record_with(name: str, kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_struct(kind)) and kind.get_field_index(name) >= 0
