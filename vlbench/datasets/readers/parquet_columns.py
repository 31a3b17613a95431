"""Which columns of parquet files hold images and annotations, and how they are read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from vlbench.core.contracts import Target, Text
from vlbench.core.errors import DataError
from vlbench.core.json_text import parsed_json
from vlbench.core.parquet_file import reading_parquet
from vlbench.core.reading import Tally
from vlbench.datasets.readers.annotation import BLANK, target_of, text_of
from vlbench.datasets.readers.item_fields import ItemFields

ColumnUse = Literal["image", "label", "captions", "tags", "unknown_tags", "negative_tags", "group"]
"""The use of a column."""
WhichCaptions = Literal["first", "all"]
"""Which captions of an image are used."""
USUAL: Mapping[ColumnUse, Sequence[str]] = {
    "image": ("image", "img", "jpg", "jpeg", "png", "webp"),
    "label": ("label", "fine_label", "cls", "class", "target", "labels", "category", "class_name"),
    "captions": ("captions", "caption", "text", "texts", "sentences", "raw", "txt"),
    "tags": ("tags", "labels", "classes"),
    "unknown_tags": (),
    "negative_tags": (),
    "group": (),
}
"""The usual names of columns for each use."""
_TAG_USES: Sequence[ColumnUse] = ("tags", "unknown_tags", "negative_tags")
BYTES = "bytes"
"""The field with the bytes, where an image is a record of bytes and path as `datasets` writes it."""
SENTENCE = "raw"
"""The field with the text, where a caption is a record as in the Karpathy files."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """The columns that a card states; for other uses, the usual names apply.

    `where` selects rows, `captions` selects captions of an image. `items` is stated where a row is an item of
    several images or texts; then only `where` may be stated besides.
    """

    named: Mapping[ColumnUse, str | list[str]] = field(default_factory=dict)
    where: Mapping[str, str | int] = field(default_factory=dict)
    captions: WhichCaptions = "all"
    items: ItemFields | None = None


@dataclass(frozen=True, slots=True)
class FoundColumns:
    """The columns for each use that exist and fit; `leaf` is the path of the encoded images."""

    leaf: str
    of: Mapping[ColumnUse, Sequence[str]]

    @property
    def said(self) -> list[str]:
        """The columns with annotations of an image."""
        return [name for names in self.of.values() for name in names]


def find_columns(schema: Any, choice: ColumnChoice, path: str) -> FoundColumns:
    """The columns in a file's Arrow schema that a card states or that have the usual names.

    Raises:
        DataError: a stated column is missing or has another type, or no column holds images.
    """
    # a column of such a name is for nothing else: one of another type is refused, not passed over
    own: list[ColumnUse] = [use for use in _TAG_USES[1:] if use in schema.names]
    named = {**{use: use for use in own}, **choice.named}
    images = _pick(schema, "image", named.get("image"), path)
    if not images:
        raise DataError(f"{path}: no column holds images; it has {_listed(schema)}: name one as `image`")
    uses = [use for use in USUAL if use != "image"]
    said: dict[ColumnUse, Sequence[str]] = {use: _pick(schema, use, named.get(use), path) for use in uses}
    return FoundColumns(image_leaf(schema, images[0], path), said)


def image_leaf(schema: Any, column: str, path: str) -> str:
    """The path of the encoded images in a column.

    Raises:
        DataError: the column does not exist or holds no images.
    """
    (name,) = _pick(schema, "image", column, path)
    return f"{name}.{BYTES}" if schema.field(name).type.num_fields else name


def columns_read(schema: Any, found: FoundColumns) -> str:
    """A text about the columns with annotations and their types.

    Without any, about all columns of the file.
    """
    image = found.leaf.removesuffix(f".{BYTES}")
    if found.said:
        return "columns " + _typed(schema, found.said)
    others = [name for name in schema.names if name != image]
    there = _typed(schema, others) or "none"
    return f"no column that is known; beside {image} there are {there}: rename one to label, captions or tags"


def columns_passed_over(schema: Any, found: FoundColumns, choice: ColumnChoice) -> tuple[str, ...]:
    """Remarks on columns that would fit as well as the one that is used."""
    if not found.of["label"] or "label" in choice.named:
        return ()
    (taken,) = found.of["label"]
    others = [name for name in _fitting(schema, "label") if name != taken]
    return (f"labels are of {taken!r}; {_typed(schema, others)} would fit too",) if others else ()


def _typed(schema: Any, names: Iterable[str]) -> str:
    return ", ".join(f"{name!r} ({schema.field(name).type})" for name in names)


def read_rows(
    parquet_file: Any, found: FoundColumns, choice: ColumnChoice, path: str, tally: Tally
) -> Iterator[tuple[int, Target]]:
    """The positions of the selected rows of a file, and their targets. The column of images is not read.

    Blank and null captions are left out and counted.

    Raises:
        DataError: a column of `where` is missing, or the file is damaged.
    """
    for name in choice.where:
        if name not in parquet_file.schema_arrow.names:
            raise DataError(
                f"{path}: no column {name!r} to choose by; it has {_listed(parquet_file.schema_arrow)}"
            )
    values = read_values(parquet_file, [*found.said, *choice.where], path)
    for position in range(parquet_file.metadata.num_rows):
        where = f"{path}: row {position}"
        if all(values[name][position] == value for name, value in choice.where.items()):
            row = {name: column[position] for name, column in values.items()}
            yield position, target_of_row(row, found, choice.captions, where, tally)


def target_of_row(
    row: Mapping[str, Any], found: FoundColumns, which: WhichCaptions, where: str, tally: Tally
) -> Target:
    """The target that the annotations of a row state. Blank and null captions are left out and counted.

    Raises:
        DataError: a field has the wrong type.
    """
    cells = {use: [row[name] for name in names] for use, names in found.of.items()}
    stated = _sentences(cells.pop("captions"))
    captions = [each for each in stated if each.strip()]
    if len(captions) < len(stated):
        tally.leave_out(BLANK, where, len(stated) - len(captions))
    record: dict[str, object] = {use: cell[0] for use, cell in cells.items() if cell}
    record["captions"] = captions[:1] if which == "first" else captions
    return target_of(record, where, tally)


def read_values(parquet_file: Any, columns: Iterable[str], path: str) -> dict[str, list[Any]]:
    """The values of some columns of a file, by column name.

    Raises:
        DataError: a column is missing, or the file is damaged.
    """
    wanted = sorted(set(columns))
    for name in wanted:
        if name not in parquet_file.schema_arrow.names:
            raise DataError(f"{path}: no column {name!r}; it has {_listed(parquet_file.schema_arrow)}")
    with reading_parquet(path):
        table = parquet_file.read(columns=wanted)
        if wanted and table.num_rows != parquet_file.metadata.num_rows:
            raise ValueError(f"it holds {table.num_rows} rows, and states {parquet_file.metadata.num_rows}")
        return {name: table.column(name).to_pylist() for name in table.column_names}


def class_names(schema: Any, found: FoundColumns, path: str) -> tuple[Text, ...]:
    """Names that the Hugging Face metadata give to the indices of labels, else of tags.

    Raises:
        DataError: the metadata are no JSON.
    """
    stated = (schema.metadata or {}).get(b"huggingface", b"null")
    try:
        features = parsed_json(stated, f"{path}: its metadata", "fetch it again")["info"]["features"]
    except (KeyError, TypeError):
        return ()
    for column in (*found.of["label"], *found.of["tags"]):
        feature = features.get(column) if isinstance(features, dict) else None
        if isinstance(feature, dict):
            feature = feature.get("feature", feature)
        if isinstance(feature, list) and len(feature) == 1:
            feature = feature[0]
        if isinstance(feature, dict) and isinstance(feature.get("names"), list):
            return tuple(text_of(str(name)) for name in feature["names"])
    return ()


def _pick(schema: Any, use: ColumnUse, named: str | Sequence[str] | None, path: str) -> list[str]:
    """The columns for a use: those that are stated, else the first one with a usual name that fits."""
    if named is None:
        return _fitting(schema, use)[:1]
    names = [named] if isinstance(named, str) else list(named)
    if len(names) != 1 and use != "captions":
        raise DataError(f"{path}: {len(names)} columns are named as `{use}`; name one")
    for name in names:
        if name not in schema.names:
            raise DataError(f"{path}: no column {name!r}; it has {_listed(schema)}")
        kind = schema.field(name).type
        if not _fits(use, kind):
            raise DataError(f"{path}: column {name!r} is {kind} and holds no {use}; name another")
    return names


def _fitting(schema: Any, use: ColumnUse) -> list[str]:
    """The columns with usual names for a use whose types fit."""
    return [name for name in USUAL[use] if name in schema.names and _fits(use, schema.field(name).type)]


def _listed(schema: Any) -> str:
    return ", ".join(schema.names)


def _sentences(value: object) -> list[str]:
    """The captions of a cell; null becomes blank, also in a list."""
    if value is None:
        return [""]
    if isinstance(value, dict):
        return _sentences(value[SENTENCE])
    if isinstance(value, list):
        return [sentence for each in value for sentence in _sentences(each)]
    return [str(value)]


def _fits(use: ColumnUse, kind: Any) -> bool:
    """Whether a column with this Arrow type fits a use."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        of_each: ColumnUse = "label" if use in _TAG_USES else use
        return use in ("captions", *_TAG_USES) and _fits(of_each, kind.value_type)
    if types.is_struct(kind):
        part = {"image": BYTES, "captions": SENTENCE}.get(use)
        return any(field.name == part and _fits(use, field.type) for field in kind)
    if use == "image":
        return bool(types.is_binary(kind) or types.is_large_binary(kind))
    if use in ("label", "group") and types.is_integer(kind):
        return True
    text = kind.value_type if types.is_dictionary(kind) else kind
    is_text = bool(types.is_string(text) or types.is_large_string(text))
    return is_text and use in ("label", "group", "captions")
