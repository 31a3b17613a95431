"""Items in the rows of parquet files: each row has the images and texts of one item."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from vlbench.core.contracts import Dataset, Example, Offers, Target
from vlbench.core.dataset import Examples
from vlbench.core.errors import DataError
from vlbench.core.item import Item
from vlbench.core.parquet_file import open_parquet
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.readers.annotation import templates_beside
from vlbench.datasets.readers.file_listing import FoundFile
from vlbench.datasets.readers.item_fields import Box, ItemFields, box_of, item_of, mark_of, too_little
from vlbench.datasets.readers.parquet_columns import image_leaf, read_values
from vlbench.datasets.readers.parquet_rows import open_image_row

RowImage = tuple[FoundFile, str, int, Box | None]
"""An image in a row of a file: the file, the path of the column's bytes, the row, and the part that is
meant."""


def open_item_rows(
    files: Sequence[FoundFile],
    fields: ItemFields,
    where: Mapping[str, str | int],
    *,
    name: str,
    revision: str,
    beside: Path,
    tally: Tally,
) -> Dataset:
    """Items from the rows of parquet files. Texts are read now, images later.

    Each row has its own images; equal images in several rows are recognised by their bytes when they are
    read.

    Raises:
        DataError: a file is damaged, a column is missing or a value is wrong; the message names file and row.
    """
    items: list[Item] = []
    images: list[RowImage] = []
    for file in files:
        parquet_file = open_parquet(file.path)
        leaves = [image_leaf(parquet_file.schema_arrow, str(each), file.path) for each in fields.images]
        values = read_values(parquet_file, [*fields.said, *where], file.path)
        for row in range(parquet_file.metadata.num_rows):
            record = {column: of_rows[row] for column, of_rows in values.items()}
            if any(record[column] != value for column, value in where.items()):
                continue
            at = f"{file.path}: row {row}"
            why = too_little(record, fields, at)
            if why:
                tally.leave_out(why, at)
                continue
            box = box_of(record, fields, at)
            item = item_of(record, fields, str(len(items)), at)
            first = len(images)
            images += [(file, leaf, row, box) for leaf in leaves]
            items.append(replace(item, images=tuple(range(first, len(images)))))
    if not items:
        raise DataError(f"{name} has no row that is asked for; correct the card or fetch the data again")
    columns = ", ".join(map(repr, fields.texts))
    return Dataset(
        name=name,
        revision=revision,
        offers=Offers(templates=templates_beside(beside), items=tuple(items)),
        examples=Examples(partial(_example, tuple(images)), len(images)),
        reading=Reading("parquet", f"columns {columns}", tally.left_out),
    )


def _example(images: Sequence[RowImage], index: int) -> Example:
    """The example of an image in a row. Its id is the file's name, the row, the column and the box."""
    file, leaf, row, box = images[index]
    mark = f"{leaf.partition('.')[0]}{mark_of(box)}"
    image = partial(open_image_row, file, leaf, row)
    return Example(f"{file.name}/{row}/{mark}", image, Target(), f"{file.state}#{row}#{mark}", box=box)
