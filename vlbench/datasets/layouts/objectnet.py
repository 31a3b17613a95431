"""The source `objectnet`: the classes of ObjectNet that ImageNet has as well."""

from pathlib import Path

from vlbench.core.contracts import Dataset, Offers, Place, Target, Text
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.reading import Reading, Tally
from vlbench.core.text_file import read_json
from vlbench.datasets.readers.file_listing import FoundFile, list_files, revision_of
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES, file_examples
from vlbench.datasets.readers.location import locate

IMAGES = "objectnet-1.0/images"
LABELS = "folder_to_objectnet_label.json"
OVERLAP = "objectnet_to_imagenet_1k.json"
MAPPINGS = ("", "mappings", "objectnet-1.0/mappings", "objectnet-1.0")
"""Where the two files may be: in `mappings` in the archive, next to the root of the images for
CLIP_benchmark."""


def objectnet(place: Place, /, *, path: str) -> Dataset:
    """Images of ObjectNet whose class is in ImageNet; a label is the rank of its folder among these classes.

    The folder has `objectnet-1.0/images/CLASS/*.png` and the mapping files of the archive, of which
    `folder_to_objectnet_label.json` and `objectnet_to_imagenet_1k.json` are read. The names offered are
    ObjectNet's labels in lower case. Images are not cropped, as in CLIP_benchmark.

    Args:
        place: where to look.
        path: the folder that contains objectnet-1.0.

    Raises:
        SourceMissing: there is no such folder, or the mapping files are missing.
        DataError: a mapping file is wrong, or a class has no images.

    >>> from vlbench.core.small_place import small_place
    >>> files = {
    ...     "objectnet-1.0/images/dvd_player/1.png": b"",
    ...     "mappings/folder_to_objectnet_label.json": '{"dvd_player": "DVD player"}',
    ...     "mappings/objectnet_to_imagenet_1k.json": '{"DVD player": "CD player"}',
    ... }
    >>> with small_place(files) as place:
    ...     dataset = objectnet(place, path=".")
    >>> dataset[0].id, dataset[0].target.label, dataset.offers.names[0].name
    ('dvd_player/1.png', 0, 'dvd player')
    """
    root = locate(place, path, wanted=f"{IMAGES} with {LABELS}", holds=_holds)
    mappings = next(root / each for each in MAPPINGS if _holds_mappings(root / each))
    labels, overlap = (_strings(mappings / each) for each in (LABELS, OVERLAP))
    folders = sorted(folder for folder, label in labels.items() if label in overlap)
    if len(folders) != len(overlap):
        unknown = sorted(set(overlap) - set(labels.values()))
        raise DataError(f"{mappings / OVERLAP}: {unknown[:3]} are no labels of {LABELS}; fetch both again")
    targets = {name: Target(label=rank) for rank, name in enumerate(folders)}
    tally = Tally()
    files = []
    for file in list_files(root / IMAGES):
        if "/" not in file.name or file.suffix not in IMAGE_SUFFIXES:
            tally.leave_out("files that are no images", file.name)
        elif _folder_of(file) in targets:
            files.append(file)
        else:
            tally.leave_out("images of classes that ImageNet has not", file.name)
    for empty in sorted(set(folders) - {_folder_of(file) for file in files}):
        raise DataError(f"class folder {root / IMAGES / empty} holds no image; unpack the archive again")
    contents = digest_of_strings(f"{folder} {labels[folder]}" for folder in folders)
    return Dataset(
        name=f"objectnet:{path}",
        revision=revision_of(files, place, contents=[(OVERLAP, contents)]),
        offers=Offers(names=tuple(Text(labels[each].lower(), ids={"folder": each}) for each in folders)),
        examples=file_examples(files, [targets[_folder_of(file)] for file in files]),
        reading=Reading("objectnet", f"folders, by {LABELS} and {OVERLAP}", tally.left_out),
    )


def _holds(root: Path) -> bool:
    return (root / IMAGES).is_dir() and any(_holds_mappings(root / each) for each in MAPPINGS)


def _holds_mappings(folder: Path) -> bool:
    return (folder / LABELS).is_file() and (folder / OVERLAP).is_file()


def _strings(file: Path) -> dict[str, str]:
    record = read_json(file)
    if not isinstance(record, dict) or not all(isinstance(each, str) for each in record.values()):
        raise DataError(f"{file}: no JSON object of strings; fetch it again")
    return record


def _folder_of(file: FoundFile) -> str:
    return file.name.split("/", 1)[0]
