"""The source `coop_split`: images named by a split file as CoOp publishes it, `split_zhou_*.json`."""

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading
from vlbench.datasets.readers.absent_images import those_there
from vlbench.datasets.readers.annotation import read_text
from vlbench.datasets.readers.file_listing import find_files, revision_of
from vlbench.datasets.readers.image_file import file_examples
from vlbench.datasets.readers.location import locate

SPLIT_FILES = "split_zhou_*.json"
SPLITS = ("train", "val", "test")
FORM = "[image path, label index, class name]"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a split: the image it names, its label and that label's name; `where` says which it is."""

    where: str
    image: str
    label: int
    name: str


def coop_split(
    place: Place, /, *, path: str, images: str = ".", split: Literal["train", "val", "test"] = "test"
) -> Dataset:
    """Images that a split file of CoOp names, in its order, with the classes of all its splits.

    The file is `{"train": [[image path, label index, class name], ...], "val": ..., "test": ...}`
    (github.com/KaiyangZhou/CoOp, DATASETS.md). Names are offered in the order of the labels, with
    spaces for underscores; the name as it stands there is then the id `label`.

    Args:
        place: where to look.
        path: the split file, or the folder in which it is the only `split_zhou_*.json`.
        images: the folder that the image paths start from: beside the split file, else under a data root.
        split: `train`, `val` or `test`.

    Raises:
        SourceMissing: no such file, or no such folder of images.
        DataError: a file that is wrong, or an image that does not lie there; file and item are named.
    """
    file = _find(place, path)
    beside = Place(roots=(file.parent, *place.roots), card_folder=place.card_folder)
    root = locate(beside, images, wanted="folder of images", holds=Path.is_dir)
    text = read_text(file)
    splits = _splits(text, file)
    if not splits.get(split):
        raise DataError(f"{file}: no images under {split!r}; it has {', '.join(filter(splits.get, splits))}")
    names = _names(splits, file)
    items = splits[split]
    found = find_files(root, (item.image for item in items))
    there = those_there(
        [item.image for item in items],
        found,
        place,
        lambda i: f"{items[i].where}: image {root / items[i].image} (`images` names the folder)",
    )
    kept = [items[i] for i in there.positions]
    files = tuple(found[item.image] for item in kept)
    targets = [Target(label=label) for label in range(len(names))]
    return Dataset(
        name=f"coop_split:{path}",
        revision=revision_of(files, place, contents=[(file.name, digest_of_strings([text]))]),
        offers=Offers(names=tuple(map(_text, names))),
        examples=file_examples(files, tuple(targets[item.label] for item in kept)),
        reading=Reading("coop_split", f"{split} of {file.name}", lacks=there.lacks),
    )


def _find(place: Place, path: str) -> Path:
    """The split file; its own folder has links resolved, the file has not, since images lie beside it."""
    if path.lower().endswith(".json"):
        parent, name = posixpath.split(path)
        return locate(place, parent, wanted=name, holds=lambda each: (each / name).is_file()) / name
    folder = locate(place, path, wanted=SPLIT_FILES, holds=lambda each: any(each.glob(SPLIT_FILES)))
    files = sorted(folder.glob(SPLIT_FILES))
    if len(files) > 1:
        raise DataError(
            f"{folder} holds several split files: {', '.join(file.name for file in files)}; name one of them"
        )
    return files[0]


def _splits(text: str, file: Path) -> dict[str, list[Item]]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise DataError(f"{file}: not JSON ({error}); fetch the file again") from error
    if not isinstance(record, dict) or not any(name in record for name in SPLITS):
        raise DataError(f"{file}: no JSON object with {', '.join(SPLITS)}; name a split file of CoOp")
    return {name: list(_items(record[name], f"{file}: {name}")) for name in SPLITS if name in record}


def _items(values: object, where: str) -> Iterator[Item]:
    if not isinstance(values, list):
        raise DataError(f"{where}: {type(values).__name__} where a list of {FORM} belongs; correct the file")
    for number, value in enumerate(values):
        match value:
            case [str(image), int(label), str(name)] if not isinstance(label, bool):
                yield Item(f"{where}[{number}]", _inside(image, f"{where}[{number}]"), label, name)
            case _:
                raise DataError(f"{where}[{number}]: {value!r} is no {FORM}; correct the item")


def _inside(image: str, where: str) -> str:
    name = posixpath.normpath(image)
    if not image or posixpath.isabs(name) or name.split("/")[0] == "..":
        raise DataError(f"{where}: {image!r} leads out of the folder of images; give a path inside it")
    return name


def _names(splits: Mapping[str, Sequence[Item]], file: Path) -> list[str]:
    """Names by label; every label from 0 on has one, since positions among them are the truth."""
    names: dict[int, str] = {}
    for items in splits.values():
        for item in items:
            if names.setdefault(item.label, item.name) != item.name:
                raise DataError(
                    f"{item.where}: label {item.label} is {item.name!r} here and {names[item.label]!r} "
                    "before; give a label one name"
                )
    absent = set(range(len(names))) - names.keys()
    if absent:
        raise DataError(
            f"{file}: {len(names)} labels, but none is {min(absent)}; number them from 0 without gaps"
        )
    return [names[label] for label in range(len(names))]


def _text(name: str) -> Text:
    spaced = name.replace("_", " ")
    return Text(name=spaced, ids={} if spaced == name else {"label": name})
