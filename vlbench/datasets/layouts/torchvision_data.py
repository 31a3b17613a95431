"""The source `torchvision`: classification data sets as torchvision.datasets leaves them on disk."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from vlbench.core.contracts import Dataset, Example, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import CardError, DataError, SourceMissing, UnknownName
from vlbench.core.files import remembered
from vlbench.datasets.layouts.torchvision_layouts import LAYOUTS, OPTIONS, OnDisk, Option
from vlbench.datasets.readers.file_listing import FoundFile, find_files, list_files, revision_of
from vlbench.datasets.readers.location import locate

if TYPE_CHECKING:
    from PIL.Image import Image

ARCHIVES = frozenset((".gz", ".tgz", ".tar", ".zip"))
"""Suffixes of what torchvision unpacked; it may lie beside the data or not."""
OPEN_DATASETS = 2
"""How many data sets stay in memory: some are held there as a whole."""
_OPENING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Named:
    """A data set of torchvision: its class, its root, its options as JSON, the state of its files."""

    dataset: str
    root: str
    options: str
    state: str


def torchvision(
    place: Place, /, *, path: str, dataset: str, options: dict[str, Option] | None = None
) -> Dataset:
    """A classification data set as torchvision.datasets reads it, in its order; nothing is downloaded.

    Where torchvision leaves the order to the disk (SUN397), it is that of the paths.

    A label is torchvision's class index; no names are offered, since some of its data sets know none.
    Labels are remembered, so that a rerun imports neither torchvision nor torch.

    Args:
        place: where to look.
        path: what torchvision calls `root`, such as `.` or `cifar10`.
        dataset: the class in torchvision.datasets, such as CIFAR10.
        options: of its constructor: `split`, `train`, `partition`, `annotation_level`.

    Raises:
        SourceMissing: its files do not lie there, or a package that reads them is not installed.
        DataError: they are damaged, as far as torchvision checks.
        UnknownName: no such data set, or one whose images have no class each.
        CardError: an option that it does not take.
    """
    if dataset not in LAYOUTS:
        raise UnknownName("torchvision data set", dataset, LAYOUTS, advice=f"there are {', '.join(LAYOUTS)}")
    layout = LAYOUTS[dataset]
    chosen = dict(options or {})
    for option in chosen:
        if option not in OPTIONS:
            raise CardError(f"source torchvision: {dataset} takes no {option!r}; known: {', '.join(OPTIONS)}")
    parts = layout.parts_of(chosen)
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
    labels = json.loads(remembered(key, place.cache, lambda: json.dumps(_labels(named, layout, parts))))
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
        return list(find_files(root, [part]).values())
    return list_files(folder.resolve())


def _labels(named: Named, layout: OnDisk, parts: Sequence[str]) -> list[int]:
    if named.dataset == "PCAM":
        return _hdf5_labels(Path(named.root) / parts[1])
    found: Any = getattr(_opened(named), layout.labels)
    last = [each[-1] if isinstance(each, tuple) else each for each in found]
    if any(each is None for each in last):
        raise DataError(f"{named.root}: the files of {named.dataset} hold no labels of this split")
    return [int(each) for each in last]


def _hdf5_labels(file: Path) -> list[int]:
    """Labels of PCAM, which torchvision would read by opening both files for each image."""
    h5py: Any = import_module("h5py")  # no dependency of vlbench
    try:
        with h5py.File(file) as opened:
            return [int(each) for each in opened["y"][:, 0, 0, 0]]
    except (OSError, KeyError) as error:
        raise DataError(f"{file} is damaged ({error}); fetch it again") from error


def _image(named: Named, index: int) -> "Image":
    dataset = _opened(named)
    try:
        image: Image = dataset[index][0]
        image.load()  # some leave the file open
    except OSError as error:
        raise DataError(
            f"{named.root}: image {index} of {named.dataset} does not open ({error}); "
            "complete the images, since torchvision takes all of a split and no subset"
        ) from error
    return image


def _opened(named: Named) -> Any:
    with _OPENING:  # threads that ask for their first images together open it once
        return _open(named)


@lru_cache(maxsize=OPEN_DATASETS)
def _open(named: Named) -> Any:
    from torchvision import datasets

    options: Mapping[str, Option] = json.loads(named.options)
    try:
        dataset = getattr(datasets, named.dataset)(named.root, **options)
    except TypeError as error:
        raise CardError(f"source torchvision: {named.dataset} takes other options ({error})") from error
    except (RuntimeError, OSError, ValueError, KeyError, EOFError, UnpicklingError) as error:
        reason = str(error).split(" You can use download=True")[0]
        raise DataError(
            f"{named.root}: torchvision does not open {named.dataset} {dict(options)} ({reason}); "
            "unpack its archive again"
        ) from error
    return _sorted(dataset, LAYOUTS[named.dataset])


def _sorted(dataset: Any, layout: OnDisk) -> Any:
    """A data set, its items sorted by their paths where torchvision takes them as the disk lists them."""
    if layout.files:
        paths, labels = getattr(dataset, layout.files), getattr(dataset, layout.labels)
        order = sorted(range(len(paths)), key=lambda i: Path(paths[i]).parts)
        setattr(dataset, layout.files, [paths[i] for i in order])
        setattr(dataset, layout.labels, [labels[i] for i in order])
    return dataset
