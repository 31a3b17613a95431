"""The source `torchvision`: classification data sets as torchvision.datasets stores them on disk."""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlbench.core.contracts import Dataset, Example, Place, Target
from vlbench.core.damage import DAMAGE, reading
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import CardError, DataError, SourceMissing, UnknownName
from vlbench.core.files import remembered
from vlbench.core.json_text import parsed_json
from vlbench.core.outside_name import InnerPath, inner_path
from vlbench.datasets.readers.file_listing import FoundFile, find_files, list_files, revision_of
from vlbench.datasets.readers.image_file import open_image_file
from vlbench.datasets.readers.location import locate
from vlbench.datasets.readers.matlab_table import refuse_damaged_tables

if TYPE_CHECKING:
    from PIL.Image import Image

Option = str | int | bool
OPTIONS = ("split", "train", "partition", "annotation_level")
"""The constructor options that choose a part of a data set."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A data set: folders and files under its root, by its option `split`, and where its labels are.

    `parts` under an empty split are those of every split. `labels` is an attribute with the labels in the
    order of the items, or with pairs that end with them. `package` is one that torchvision does not bring.
    `files` is an attribute with the items' paths, or with pairs that begin with them, where images are files;
    `unordered` says that torchvision leaves their order to the disk.
    """

    parts: Mapping[str, Sequence[str]]
    labels: str
    package: str = ""
    files: str = ""
    unordered: bool = False


def _everywhere(part: str, labels: str, files: str = "", package: str = "") -> OnDisk:
    return OnDisk({"": (part,)}, labels, package, files)


CALTECH = "index"
"""Caltech101's attribute with the number of each image in the folder of its class."""
LAYOUTS: Mapping[str, OnDisk] = {
    "CIFAR10": _everywhere("cifar-10-batches-py", "targets"),
    "CIFAR100": _everywhere("cifar-100-python", "targets"),
    "Caltech101": _everywhere("caltech101/101_ObjectCategories", "y", CALTECH, "scipy"),
    "Country211": OnDisk(
        {each: (f"country211/{each}",) for each in ("train", "valid", "test")}, "targets", files="samples"
    ),
    "DTD": _everywhere("dtd/dtd", "_labels", "_image_files"),
    "EuroSAT": _everywhere("eurosat/2750", "targets", "samples"),
    "FER2013": _everywhere("fer2013", "_samples"),
    "FGVCAircraft": _everywhere("fgvc-aircraft-2013b", "_labels", "_image_files"),
    "Flowers102": _everywhere("flowers-102", "_labels", "_image_files", "scipy"),
    "Food101": _everywhere("food-101", "_labels", "_image_files"),
    "GTSRB": OnDisk(
        {
            "train": ("gtsrb/GTSRB/Training",),
            "test": ("gtsrb/GTSRB/Final_Test/Images", "gtsrb/GT-final_test.csv"),
        },
        "_samples",
        files="_samples",
    ),
    "MNIST": _everywhere("MNIST/raw", "targets"),
    "OxfordIIITPet": _everywhere("oxford-iiit-pet", "_labels", "_images"),
    "PCAM": OnDisk(
        {
            name: tuple(f"pcam/camelyonpatch_level_2_split_{file}_{each}.h5" for each in "xy")
            for name, file in (("train", "train"), ("val", "valid"), ("test", "test"))
        },
        "",
        "h5py",
    ),
    "RenderedSST2": OnDisk(
        {
            name: (f"rendered-sst2/{folder}",)
            for name, folder in (("train", "train"), ("val", "valid"), ("test", "test"))
        },
        "_samples",
        files="_samples",
    ),
    "STL10": _everywhere("stl10_binary", "labels"),
    "SUN397": OnDisk({"": ("SUN397",)}, "_labels", files="_image_files", unordered=True),
    "SVHN": OnDisk({each: (f"{each}_32x32.mat",) for each in ("train", "test", "extra")}, "labels", "scipy"),
    "StanfordCars": _everywhere("stanford_cars", "_samples", "_samples", "scipy"),
}
"""Data sets of torchvision.datasets with one class per image, in the layout of torchvision 0.21 to 0.29."""


ARCHIVES = frozenset((".gz", ".tgz", ".tar", ".zip"))
"""Suffixes of the archives that torchvision unpacks; they may remain next to the data."""
_RAISED: tuple[type[Exception], ...] = (DataError, *DAMAGE)
OPEN_DATASETS = 2
"""How many data sets stay open; some are completely in memory."""
_OPENING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Named:
    """A data set of torchvision: its class, root, options as JSON, and the state of its files."""

    dataset: str
    root: str
    options: str
    state: str


def torchvision(
    place: Place, /, *, path: str, dataset: str, options: dict[str, Option] | None = None
) -> Dataset:
    """A classification data set as torchvision.datasets reads it, in its order. Nothing is downloaded.

    Where torchvision takes the order from the disk (SUN397), images are sorted by path. A label is
    torchvision's class index. No names are offered, since some of its data sets have none. The cache keeps
    the labels, so that a repeated run imports neither torchvision nor torch.

    Args:
        place: where to look.
        path: what torchvision calls `root`, such as `.` or `cifar10`.
        dataset: the class in torchvision.datasets, such as CIFAR10.
        options: constructor options: `split`, `train`, `partition`, `annotation_level`.

    Raises:
        SourceMissing: the files are not there, or a package that reads them is not installed.
        DataError: the files are damaged, as far as torchvision checks.
        UnknownName: there is no such data set, or its images do not have one class each.
        CardError: the data set does not take an option.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"eurosat/2750/River/1.jpg": b"", "eurosat/2750/Forest/1.jpg": b""}) as place:
    ...     dataset = torchvision(place, path=".", dataset="EuroSAT")
    ...     labels = [example.target.label for example in dataset.examples]
    >>> labels
    [0, 1]
    """
    if dataset not in LAYOUTS:
        raise UnknownName("torchvision data set", dataset, LAYOUTS, advice=f"there are {', '.join(LAYOUTS)}")
    layout = LAYOUTS[dataset]
    chosen = dict(options or {})
    for option in chosen:
        if option not in OPTIONS:
            raise CardError(f"source torchvision: {dataset} takes no {option!r}; known: {', '.join(OPTIONS)}")
    split = str(chosen.get("split", "train"))  # torchvision's default
    parts = layout.parts.get(split) or layout.parts.get("")
    if not parts:
        raise CardError(f"source torchvision: {dataset} has no split {chosen.get('split')!r}")
    root = locate(
        place,
        path,
        wanted=f"{dataset} of torchvision ({', '.join(parts)})",
        holds=lambda each: all((each / part).exists() for part in parts),
    )
    if layout.package and find_spec(layout.package) is None:
        raise SourceMissing(f"{root} holds {dataset}", f"pip install {layout.package}, which reads it")
    files = [file for part in parts for file in _files(root, part) if file.suffix not in ARCHIVES]
    state = digest_of_strings(sorted(file.state for file in files))
    named = Named(dataset, str(root), json.dumps(chosen, sort_keys=True), state)
    key = f"labels of torchvision|{dataset}|{named.options}|{state}"
    labels = parsed_json(remembered(key, place.cache, lambda: json.dumps(_labels(named, parts, files))))
    return Dataset(
        name=f"torchvision:{dataset}:{path}",
        revision=revision_of(files, place, contents=[("options", digest_of_strings([named.options]))]),
        examples=Examples(partial(_example, named, tuple(labels)), len(labels)),
    )


def _example(named: Named, labels: Sequence[int], index: int) -> Example:
    return Example(
        f"{named.dataset}-{index:06d}",
        partial(_image, named, index),
        Target(label=labels[index]),
        f"torchvision:{named.state}|{named.options}#{index}",
    )


def _files(root: Path, part: str) -> Sequence[FoundFile]:
    folder = root / part
    if not folder.is_dir():
        return list(find_files(root, [InnerPath(part)]).values())
    return list_files(folder.resolve())


def _labels(named: Named, parts: Sequence[str], files: Sequence[FoundFile]) -> list[int]:
    if named.dataset == "PCAM":
        return _hdf5_labels(Path(named.root) / parts[1])
    layout = LAYOUTS[named.dataset]
    if layout.package == "scipy":  # whoever opens the images later has labels of the same tables
        refuse_damaged_tables([file for file in files if file.suffix == ".mat"])
    found: Any = getattr(_opened(named), layout.labels)
    last = [each[-1] if isinstance(each, tuple) else each for each in found]
    if any(each is None for each in last):
        raise DataError(f"{named.root}: the files of {named.dataset} hold no labels of this split")
    return [int(each) for each in last]


def _hdf5_labels(file: Path) -> list[int]:
    """The labels of PCAM. torchvision would open both files for each image."""
    h5py: Any = import_module("h5py")  # no dependency of vlbench
    with reading(file, "damaged"), h5py.File(file) as opened:
        return [int(each) for each in opened["y"][:, 0, 0, 0]]


def _image(named: Named, index: int) -> "Image":
    dataset = _opened(named)
    file = _file(dataset, named, index)
    try:
        if file is None:
            image: Image = dataset[index][0]
            image.load()
        else:  # as torchvision reads it, but for decoders that no other data set is read with
            opened = open_image_file(file)
            image = opened.copy() if named.dataset == "Caltech101" else opened.convert("RGB")
    except _RAISED as error:
        raise DataError(
            f"{named.root}: image {index} of {named.dataset} does not open ({error}); "
            "complete the images, since torchvision takes all of a split and no subset"
        ) from error
    return image


def _file(dataset: Any, named: Named, index: int) -> str | None:
    """The file of an image, which lies below the data set's root; None where images lie in one file.

    Raises:
        DataError: the data set's lists name a file elsewhere.
    """
    files = LAYOUTS[named.dataset].files
    if not files:
        return None
    item = getattr(dataset, files)[index]
    stated = Path(item[0] if isinstance(item, tuple) else item) if files != CALTECH else None
    path = stated or _of_caltech(dataset, index)
    inside = os.path.relpath(path, named.root)
    return str(Path(named.root) / inner_path(Path(inside).as_posix(), f"{named.root}: {named.dataset}"))


def _of_caltech(dataset: Any, index: int) -> Path:
    category: str = dataset.categories[dataset.y[index]]
    folder = Path(dataset.root) / "101_ObjectCategories"
    return folder / category / f"image_{dataset.index[index]:04d}.jpg"


def _opened(named: Named) -> Any:
    with _OPENING:  # threads that ask for their first images together open it once
        return _open(named)


@lru_cache(maxsize=OPEN_DATASETS)
def _open(named: Named) -> Any:
    from torchvision import datasets

    options: Mapping[str, Option] = parsed_json(named.options)
    try:
        dataset = getattr(datasets, named.dataset)(named.root, **options)
    except TypeError as error:
        raise CardError(f"source torchvision: {named.dataset} takes other options ({error})") from error
    except _RAISED as error:
        reason = str(error).split(" You can use download=True")[0]
        raise DataError(
            f"{named.root}: torchvision does not open {named.dataset} {dict(options)} ({reason}); "
            "unpack its archive again"
        ) from error
    layout = LAYOUTS[named.dataset]
    if layout.unordered:  # sorted by their paths where torchvision takes them as the disk lists them
        paths, labels = getattr(dataset, layout.files), getattr(dataset, layout.labels)
        order = sorted(range(len(paths)), key=lambda i: Path(paths[i]).parts)
        setattr(dataset, layout.files, [paths[i] for i in order])
        setattr(dataset, layout.labels, [labels[i] for i in order])
    return dataset
