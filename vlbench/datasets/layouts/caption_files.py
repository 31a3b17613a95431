"""The source `caption_files`: a folder of images and one of texts, paired by their stems."""

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
    """Images with one caption each, the whole of the text file of the same stem, as Urban1k comes.

    Images are in the order of their stems, numbers by value. Lines of a caption are joined by a blank.

    Args:
        place: where to look.
        path: the folder of the data set.
        images: the folder of the images in it.
        captions: the folder of the text files in it.

    Raises:
        SourceMissing: no such folders.
        DataError: an image without a text, a text without an image, or two images of one stem.
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
