"""The source `parquet`: images and their annotations in the rows of parquet files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.dataset import Examples
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.outside_name import InnerPath
from vlbench.core.parquet_file import open_parquet
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.annotation import names_file, offers_beside
from vlbench.datasets.readers.file_listing import FoundFile, find_files, list_files, revision_of
from vlbench.datasets.readers.item_fields import ItemFields
from vlbench.datasets.readers.item_rows import open_item_rows
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.parquet_columns import (
    ColumnChoice,
    ColumnUse,
    FoundColumns,
    WhichCaptions,
    class_names,
    columns_passed_over,
    columns_read,
    find_columns,
    read_rows,
)
from vlbench.datasets.readers.parquet_rows import example_of_row

PARQUET_SUFFIX = ".parquet"
DEFAULT_SPLIT = "test"
SPLIT_WORDS = frozenset(("train", "test", "validation", "valid", "val", "dev"))
SHARD_NAME = re.compile(r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<count>\d{5})(-\w+)?")


def parquet(
    place: Place,
    /,
    *,
    path: str | list[str],
    split: str | None = None,
    columns: dict[ColumnUse, str | list[str]] | None = None,
    where: dict[str, str | int] | None = None,
    captions: WhichCaptions = "all",
    items: ItemFields | None = None,
) -> Dataset:
    """Rows of parquet files, in the order of the file names: a column of images, and columns of annotations.

    Images are bytes, or records of `bytes` and `path` as `datasets` writes them. Columns that are not stated
    are found by their usual names. Names come from a `names.txt` (or `classnames.txt`) in the folder, else
    from class labels in the files' Hugging Face metadata, else from labels or tags that are strings, sorted;
    templates come from a `templates.txt`.

    Args:
        place: where to look.
        path: a file, a list of files, or a folder that is searched for *.parquet.
        split: which files to use, where their names tell the split (`test-00000-of-00002.parquet`,
            `test.parquet`, `test/...`); by default `test` where there are several.
        columns: the column for each use, where it has no usual name. Usual names are for `image`: image, img,
            jpg, jpeg, png, webp; for `label` (indices or strings): label, fine_label, cls, class, target,
            labels, category, class_name; for `captions` (strings or lists of them; several columns may be
            stated): captions, caption, text, texts, sentences, raw, txt; for `tags` (lists of indices or
            strings): tags, labels, classes. `unknown_tags` (tags whose truth is unknown) and `negative_tags`
            (tags that are known to be false; then all others are unknown) have those names.
        where: values that columns must have in a row, such as {split: test}; other rows are left out.
        captions: `first` uses the first caption of an image, `all` uses every one.
        items: which columns hold images, texts and labels, where a row is an item of a matching task.

    Raises:
        SourceMissing: there is no such file, folder or split.
        DataError: a file is damaged, a shard or column is missing, or no row is left.

    >>> from vlbench.core.small_place import small_place
    >>> import pyarrow
    >>> from pyarrow.parquet import write_table
    >>> with small_place({}) as place:
    ...     rows = {"image": [{"bytes": b"", "path": "1.png"}], "label": ["cat"]}
    ...     write_table(pyarrow.table(rows), place.roots[0] / "test.parquet")
    ...     dataset = parquet(place, path=".")
    >>> dataset[0].id, dataset[0].target.label
    ('test.parquet/0', 'cat')
    """
    choice = ColumnChoice(named=columns or {}, where=where or {}, captions=captions, items=items)
    unread: list[str] = []
    if isinstance(path, str):
        root = locate(place, path, wanted="parquet file or folder of them", holds=_holds_parquet)
        folder = root.parent if root.is_file() else root
        found = list_parquet(root)
        files = found if root.is_file() and split is None else files_of_split(found, split, str(root))
        name = f"parquet:{path}"
        chosen = {file.name for file in files}
        unread = [file.name for file in found if file.name not in chosen]
    elif path:
        listed = [locate(place, each, wanted="parquet file", holds=Path.is_file) for each in path]
        files = [file for each in listed for file in list_parquet(each)]
        folder = Path(files[0].path).parent
        files = files_of_split(files, split, "the list") if split else files
        name = f"parquet:{path[0]}" + (f" and {len(path) - 1} more" if len(path) > 1 else "")
    else:
        raise DataError("source parquet: path is an empty list; name a file")
    revision = revision_of(files, place)
    return open_rows(files, choice, name=name, revision=revision, beside=folder, unread=unread)


def list_parquet(root: Path) -> list[FoundFile]:
    """The parquet files below a folder, or the single file."""
    if root.is_file():
        return list(find_files(root.parent, [InnerPath(root.name)]).values())
    return [file for file in list_files(root) if file.suffix == PARQUET_SUFFIX]


def files_of_split(files: Sequence[FoundFile], split: str | None, where: str) -> list[FoundFile]:
    """The files of a split by their names; all files where names tell no split and none is asked for.

    Raises:
        SourceMissing: there is no such split.
        DataError: there are several splits without `test` and none is asked for, several configs, or a shard
            is missing.
    """
    splits = sorted({found for file in files if (found := split_of(file.name))})
    if split is None and len(splits) > 1:
        if DEFAULT_SPLIT not in splits:
            raise DataError(f"{where} holds the splits {', '.join(splits)}; name one as `split`")
        split = DEFAULT_SPLIT
    chosen = [file for file in files if split is None or is_of_split(file.name, split)]
    if not chosen:
        have = ", ".join(splits) or "none"
        raise SourceMissing(f"no file of the split {split!r} in {where}", f"add it; there is {have}")
    folders = sorted({str(PurePosixPath(file.name).parent) for file in chosen})
    if split is not None and len(folders) > 1:
        raise DataError(
            f"{where} holds the split {split!r} in {', '.join(folders)}; choose one by path or `config`"
        )
    _check_shards(chosen, where)
    return chosen


def split_of(name: str) -> str | None:
    """The split in the name of a file or of its folder; None without one.

    >>> split_of("data/testA-00000-of-00002.parquet"), split_of("test/0000.parquet"), split_of("a.parquet")
    ('testA', 'test', None)
    """
    path = PurePosixPath(name)
    shard = SHARD_NAME.fullmatch(path.stem)
    if shard is not None:
        return shard["split"]
    return next((word for word in (path.stem, path.parent.name) if word in SPLIT_WORDS), None)


def is_of_split(name: str, split: str) -> bool:
    """Whether the name of a file or of its folder tells that it belongs to a split.

    >>> is_of_split("test/0000.parquet", "test"), is_of_split("test/train-00000-of-00001.parquet", "test")
    (True, False)
    """
    path = PurePosixPath(name)
    shard = SHARD_NAME.fullmatch(path.stem)
    return shard["split"] == split if shard is not None else split in (path.stem, path.parent.name)


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file, how they are read, and the class names in its metadata."""

    path: str
    found: FoundColumns
    reading: Reading
    names: tuple[Text, ...]

    def has_to_be_like(self, first: "FileColumns") -> None:
        """Raise DataError where columns or class names differ from those of the first file."""
        if self.found.leaf != first.found.leaf:
            raise DataError(
                f"{self.path}: images are in {self.found.leaf}, in {first.path} in {first.found.leaf}; "
                "name the column"
            )
        if self.names and first.names and self.names != first.names:
            raise DataError(
                f"{self.path}: its class names differ from those of {first.path}; write the same in both"
            )
        if self.found != first.found:
            raise DataError(
                f"{self.path} is read by {self.reading.labels}, {first.path} by {first.reading.labels}; "
                "name the columns"
            )


def open_rows(
    files: Sequence[FoundFile],
    choice: ColumnChoice,
    *,
    name: str,
    revision: str,
    beside: Path,
    unread: Sequence[str] = (),
) -> Dataset:
    """The rows of parquet files that `choice` selects. Annotations are read now, images later.

    `unread` are files of other splits; they are counted as left out.

    Raises:
        DataError: a file is damaged, a column is missing, files differ in columns or class names, or there is
            no row.
        CardError: columns are stated in addition to those of items.
    """
    tally = Tally(str(beside))
    for other in unread:
        tally.leave_out("parquet files of other splits", other)
    if choice.items is not None:
        if choice.named or choice.captions != "all":
            raise CardError(f"{name}: `columns` and `captions` are for images by themselves; remove them")
        return open_item_rows(
            files, choice.items, choice.where, name=name, revision=revision, beside=beside, tally=tally
        )
    targets: list[Target] = []
    places: list[tuple[int, int]] = []
    first: FileColumns | None = None
    for number, each in enumerate(files):
        parquet_file = open_parquet(each.path)
        own = _columns_of(parquet_file.schema_arrow, choice, each.path)
        first = first or own
        own.has_to_be_like(first)
        for row, target in read_rows(parquet_file, own.found, choice, each.path, tally):
            places.append((number, row))
            targets.append(target)
    if first is None or not targets:
        chosen = f" where {dict(choice.where)}" if choice.where else ""
        raise DataError(f"{name} has no row{chosen}; correct the card or fetch the data again")
    rows = np.array(places, dtype=np.int64)
    example = partial(example_of_row, tuple(files), rows, tuple(targets), first.found.leaf)
    near = offers_beside([beside], () if first.names else targets)
    file = names_file(beside)
    named_in = file.name if file else "the metadata" * bool(first.names)
    labels = first.reading.labels + (f", names in {named_in}" if named_in else "")
    return Dataset(
        name=name,
        revision=revision,
        offers=Offers(names=near.names or first.names, templates=near.templates),
        examples=Examples(example, len(targets)),
        reading=replace(first.reading, labels=labels, left_out=tally.left_out),
    )


def _columns_of(schema: Any, choice: ColumnChoice, path: str) -> FileColumns:
    found = find_columns(schema, choice, path)
    remarks = columns_passed_over(schema, found, choice)
    reading = Reading("parquet", columns_read(schema, found), remarks=remarks)
    return FileColumns(path, found, reading, class_names(schema, found, path))


def _holds_parquet(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and bool(list_parquet(path)))


def _check_shards(files: Sequence[FoundFile], where: str) -> None:
    shards = [shard for file in files if (shard := SHARD_NAME.fullmatch(PurePosixPath(file.name).stem))]
    for count in {int(shard["count"]) for shard in shards}:
        there = {int(shard["number"]) for shard in shards if int(shard["count"]) == count}
        missing = sorted(set(range(count)) - there)
        if missing:
            raise DataError(
                f"{where} has {len(there)} of {count} shards, number {missing[0]} is missing; fetch it"
            )
