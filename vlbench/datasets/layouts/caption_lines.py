"""The source `caption_lines`: line i of one file names an image, line i of another is its caption."""

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.captions import captioned_images
from vlbench.datasets.readers.location import folder_with
from vlbench.datasets.readers.text_records import data_lines


def caption_lines(
    place: Place, /, *, path: str, names: str, captions: str, images: list[str] | None = None
) -> Dataset:
    """Images with one caption each, from two files whose lines correspond, as in XTD10.

    Args:
        place: where to look.
        path: the folder of the data set.
        names: its file with the names of images (`test_image_names.txt`).
        captions: its file with captions (`test_1kcaptions_de.txt`).
        images: folders that the names of images are relative to, in that folder or under a data root; the
            first one that has an image is used. By default `images`.

    Raises:
        SourceMissing: there is no such folder or file, or none of the images exists.
        DataError: the files differ in length, a line is blank, or an image is missing.

    >>> from vlbench.core.small_place import small_place
    >>> files = {"names.txt": "1.jpg", "de.txt": "ein Hund", "images/1.jpg": b""}
    >>> with small_place(files) as place:
    ...     dataset = caption_lines(place, path=".", names="names.txt", captions="de.txt")
    >>> dataset[0].target.captions
    ('ein Hund',)
    """
    folder = folder_with(place, path, names, captions)
    own = [line.strip() for line in data_lines(read_text(folder / names))]
    said = [line.strip() for line in data_lines(read_text(folder / captions))]
    if len(own) != len(said):
        raise DataError(
            f"{folder}: {names} has {len(own)} lines and {captions} {len(said)}; fetch both again"
        )
    for file, lines in ((names, own), (captions, said)):
        if "" in lines:
            raise DataError(f"{folder / file}:{lines.index('') + 1}: blank; fetch the file again")
    return captioned_images(
        f"caption_lines:{path}",
        ((f"{folder / names}:{i}", *each) for i, each in enumerate(zip(own, said, strict=True), start=1)),
        place,
        folder=folder,
        images=images or ["images"],
        file=captions,
    )
