"""Which data sets of torchvision are read, where each of them lies, and which attribute holds its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Option = str | int | bool
OPTIONS = ("split", "train", "partition", "annotation_level")
"""Options of the constructors that say which part of a data set is meant."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A data set: folders and files under its root, by its option `split`, and where its labels are.

    `parts` under an empty split are those of every split. `labels` is an attribute with the labels in the
    order of the items, or with pairs that end with them. `package` is one that torchvision does not bring.
    `files` is an attribute with the items' paths where torchvision leaves their order to the disk.
    """

    parts: Mapping[str, Sequence[str]]
    labels: str
    package: str = ""
    files: str = ""

    def parts_of(self, options: Mapping[str, Option]) -> Sequence[str]:
        """The folders and files of the split that options ask for; torchvision's default is `train`."""
        split = str(options.get("split", "train"))
        return self.parts.get(split) or self.parts.get("", ())


def _everywhere(part: str, labels: str, package: str = "") -> OnDisk:
    return OnDisk({"": (part,)}, labels, package)


LAYOUTS: Mapping[str, OnDisk] = {
    "CIFAR10": _everywhere("cifar-10-batches-py", "targets"),
    "CIFAR100": _everywhere("cifar-100-python", "targets"),
    "Caltech101": _everywhere("caltech101/101_ObjectCategories", "y", "scipy"),
    "Country211": OnDisk({each: (f"country211/{each}",) for each in ("train", "valid", "test")}, "targets"),
    "DTD": _everywhere("dtd/dtd", "_labels"),
    "EuroSAT": _everywhere("eurosat/2750", "targets"),
    "FER2013": _everywhere("fer2013", "_samples"),
    "FGVCAircraft": _everywhere("fgvc-aircraft-2013b", "_labels"),
    "Flowers102": _everywhere("flowers-102", "_labels", "scipy"),
    "Food101": _everywhere("food-101", "_labels"),
    "GTSRB": OnDisk(
        {
            "train": ("gtsrb/GTSRB/Training",),
            "test": ("gtsrb/GTSRB/Final_Test/Images", "gtsrb/GT-final_test.csv"),
        },
        "_samples",
    ),
    "MNIST": _everywhere("MNIST/raw", "targets"),
    "OxfordIIITPet": _everywhere("oxford-iiit-pet", "_labels"),
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
    ),
    "STL10": _everywhere("stl10_binary", "labels"),
    "SUN397": OnDisk({"": ("SUN397",)}, "_labels", files="_image_files"),
    "SVHN": OnDisk({each: (f"{each}_32x32.mat",) for each in ("train", "test", "extra")}, "labels", "scipy"),
    "StanfordCars": _everywhere("stanford_cars", "_samples", "scipy"),
}
"""Data sets of torchvision.datasets with a class for each image, as torchvision 0.21 to 0.29 lay them out."""
