"""The source `caption_files`: a folder of images and a folder of texts, matched by file name."""

import posixpath
from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import CardError, DataError
from vlbench.core.outside_name import inner_folder
from vlbench.core.reading import Tally
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.captions import captioned_images
from vlbench.datasets.readers.file_listing import list_names
from vlbench.datasets.readers.image_file import IMAGE_SUFFIXES
from vlbench.datasets.readers.location import locate

TEXT = ".txt"


def caption_files(place: Place, /, *, path: str, images: str = "image", captions: str = "caption") -> Dataset:
    """Images with one caption each: the whole text file with the same name, as in Urban1k.

    Images are sorted by name, numbers by value. The lines of a caption are joined by a blank.

    Args:
        place: where to look.
        path: the folder of the data set.
        images: its sub-folder with the images.
        captions: its sub-folder with the text files.

    Raises:
        SourceMissing: there are no such folders.
        DataError: an image has no text, a text has no image, or two images have the same name.

    >>> from vlbench.core.small_place import small_place
    >>> with small_place({"image/1.jpg": b"", "caption/1.txt": "a dog on a mat"}) as place:
    ...     dataset = caption_files(place, path=".")
    >>> dataset[0].target.captions
    ('a dog on a mat',)
    """
    pictured, said = (
        inner_folder(each, f"source caption_files:{path}", CardError) for each in (images, captions)
    )

    def holds(folder: Path) -> bool:
        return (folder / pictured).is_dir() and (folder / said).is_dir()

    folder = locate(place, path, wanted=f"{images}/ and {captions}/", holds=holds)
    tally = Tally(str(folder))
    pictures: dict[str, str] = {}
    for name in list_names(folder / pictured):
        stem, suffix = posixpath.splitext(name)
        if suffix.lower() not in IMAGE_SUFFIXES:
            tally.leave_out(f"files in {images}/ that are no images", name)
            continue
        if pictures.setdefault(stem, name) != name:
            raise DataError(f"{folder / pictured}: {pictures[stem]} and {name} share a stem; remove one")
    texts = set()
    for name in list_names(folder / said):
        stem, suffix = posixpath.splitext(name)
        if suffix == TEXT:
            texts.add(stem)
        else:
            tally.leave_out(f"files in {captions}/ that are no {TEXT}", name)
    for stem in sorted(pictures.keys() ^ texts):
        lacks = folder / said / f"{stem}{TEXT}" if stem in pictures else folder / pictured / f"{stem}.*"
        raise DataError(f"{lacks} is not there, its counterpart is; complete the data set")
    lines = []
    for stem in sorted(pictures, key=_by_number):
        file = folder / said / f"{stem}{TEXT}"
        lines.append((str(file), pictures[stem], " ".join(read_text(file).split())))
    return captioned_images(
        f"caption_files:{path}",
        lines,
        place,
        folder=folder,
        images=[images],
        file=f"{captions}/",
        tally=tally,
    )


def _by_number(stem: str) -> tuple[int, str]:
    return (int(stem), stem) if stem.isdecimal() else (-1, stem)
