"""The source `coop_split`: the images of a split file that CoOp publishes, `split_zhou_*.json`."""

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target
from vlbench.core.errors import DataError
from vlbench.core.json_text import parsed_json
from vlbench.core.outside_name import inner_path
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.annotation import text_of
from vlbench.datasets.readers.listed_images import Listed, find_listed, listed_dataset
from vlbench.datasets.readers.location import folder_with, locate

SPLIT_FILES = "split_zhou_*.json"
SPLITS = ("train", "val", "test")
FORM = "[image path, label index, class name]"


def coop_split(
    place: Place, /, *, path: str, images: str = ".", split: Literal["train", "val", "test"] = "test"
) -> Dataset:
    """Images that a split file of CoOp lists, in its order, with the classes of all of its splits.

    The file is `{"train": [[image path, label index, class name], ...], "val": ..., "test": ...}`
    (github.com/KaiyangZhou/CoOp, DATASETS.md). Names are offered in the order of the labels, with spaces for
    underscores; the unchanged name is the id `label`.

    Args:
        place: where to look.
        path: the split file, or the folder in which it is the only `split_zhou_*.json`.
        images: the folder that image paths are relative to: next to the split file, else under a data root.
        split: `train`, `val` or `test`.

    Raises:
        SourceMissing: there is no such file, or no such folder of images.
        DataError: the file is wrong, or an image is missing; the message names file and item.

    >>> import json
    >>> from vlbench.core.small_place import small_place
    >>> said = {"train": [["b.jpg", 1, "hot_dog"]], "val": [], "test": [["a.jpg", 0, "cat"]]}
    >>> with small_place({"split_zhou_Food.json": json.dumps(said), "a.jpg": b"", "b.jpg": b""}) as place:
    ...     dataset = coop_split(place, path=".")
    >>> dataset[0].target.label, [text.name for text in dataset.offers.names]
    (0, ['cat', 'hot dog'])
    """
    file = _find(place, path)
    root = locate(
        replace(place, roots=(file.parent, *place.roots)),
        images,
        wanted="folder of images",
        holds=Path.is_dir,
    )
    text = read_text(file)
    names: dict[int, str] = {}
    splits = _splits(text, file, names)
    if not splits.get(split):
        raise DataError(f"{file}: no images under {split!r}; it has {', '.join(filter(splits.get, splits))}")
    absent = set(range(len(names))) - names.keys()
    if absent:  # positions among the names are the truth
        raise DataError(
            f"{file}: {len(names)} labels, but none is {min(absent)}; number them from 0 without gaps"
        )
    return listed_dataset(
        f"coop_split:{path}",
        find_listed(splits[split], root, place, " (`images` names the folder)"),
        place,
        contents={file.name: [text]},
        offers=Offers(names=tuple(text_of(names[label]) for label in range(len(names)))),
        labels=f"{split} of {file.name}",
    )


def _find(place: Place, path: str) -> Path:
    """The split file. Links in its folder's path are resolved.

    The file itself may be a link, since images are next to it.
    """
    if path.lower().endswith(".json"):
        parent, name = posixpath.split(path)
        return folder_with(place, parent or ".", name) / name
    folder = locate(place, path, wanted=SPLIT_FILES, holds=lambda each: any(each.glob(SPLIT_FILES)))
    files = sorted(folder.glob(SPLIT_FILES))
    if len(files) > 1:
        raise DataError(
            f"{folder} holds several split files: {', '.join(file.name for file in files)}; name one of them"
        )
    return files[0]


def _splits(text: str, file: Path, names: dict[int, str]) -> dict[str, list[Listed]]:
    """The images of each split; the name of each label is added to `names`."""
    record = parsed_json(text, str(file), "correct it, or fetch it again")
    if not isinstance(record, dict) or not any(name in record for name in SPLITS):
        raise DataError(f"{file}: no JSON object with {', '.join(SPLITS)}; name a split file of CoOp")
    return {name: list(_listed(record[name], f"{file}: {name}", names)) for name in SPLITS if name in record}


def _listed(values: object, split: str, names: dict[int, str]) -> Iterator[Listed]:
    if not isinstance(values, list):
        raise DataError(f"{split}: {type(values).__name__} where a list of {FORM} belongs; correct the file")
    for number, value in enumerate(values):
        where = f"{split}[{number}]"
        match value:
            case [str(image), int(label), str(name)] if not isinstance(label, bool):
                if names.setdefault(label, name) != name:
                    raise DataError(
                        f"{where}: label {label} is {name!r} here and {names[label]!r} before; "
                        "give a label one name"
                    )
                yield Listed(where, inner_path(image, where), Target(label=label))
            case _:
                raise DataError(f"{where}: {value!r} is no {FORM}; correct the item")
