"""A data set in the webdataset layout that vlbench and clip-benchmark both read."""

import io
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.cards.catalogue import read_catalogue


@dataclass(frozen=True, slots=True)
class Item:
    """An image file's bytes and what is said of it: the index of its class, or its captions."""

    image: bytes
    label: int | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Questions:
    """Class names and templates with `{}`; none for retrieval."""

    names: Sequence[str] = ()
    templates: Sequence[str] = ()


def write_webdataset(folder: Path, questions: Questions, items: Iterable[Item]) -> None:
    """Write classnames.txt, templates, dataset_type.txt, test/0.tar and test/1.tar: one for each loader."""
    (folder / "test").mkdir(parents=True)
    (folder / "test" / "nshards.txt").write_text("2\n")
    if questions.names:
        write_lines(folder / "classnames.txt", questions.names)
        templates = [template.replace("{}", "{c}") for template in questions.templates]
        write_lines(folder / "zeroshot_classification_templates.txt", templates)
    else:
        write_lines(folder / "dataset_type.txt", ["retrieval"])
    items = list(items)
    half = (len(items) + 1) // 2
    for shard, part in enumerate((items[:half], items[half:])):
        with tarfile.open(folder / "test" / f"{shard}.tar", "w") as archive:
            for number, item in enumerate(part):
                add_item(archive, f"{shard}-{number:05d}", item)


def add_item(archive: tarfile.TarFile, key: str, item: Item) -> None:
    """An image and what is said of it, under one key."""
    add(archive, f"{key}.jpg", item.image)
    if item.label is not None:
        add(archive, f"{key}.cls", str(item.label).encode())
    if item.captions:
        add(archive, f"{key}.txt", "\n".join(item.captions).encode())


def imagenet_names() -> list[str]:
    """The 1,000 class names of the card `imagenet`."""
    return [row.split("\t")[0] for row in imagenet_rows()]


def imagenet_wnids() -> list[str]:
    """Their WordNet ids."""
    return [row.split("\t")[1] for row in imagenet_rows()]


def card_templates(name: str) -> list[str]:
    """A packaged template file."""
    return (cards() / "templates" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def imagenet_rows() -> list[str]:
    """The lines of the names file, without its header."""
    return (cards() / "names" / "imagenet.tsv").read_text(encoding="utf-8").splitlines()[1:]


def cards() -> Path:
    """The folder of the task cards."""
    return read_catalogue().tasks["imagenet"].path.parent


def jpegs(folder: Path) -> list[Path]:
    """All JPEG files of the class folders, sorted."""
    return sorted(path for path in folder.glob("*/*") if path.suffix.lower() in {".jpg", ".jpeg"})


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """One a line."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """One member of a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))
