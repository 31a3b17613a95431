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
    """Images with one caption each, from two files whose lines belong together, as XTD10 comes.

    Args:
        place: where to look.
        path: the folder of the data set.
        names: the file of images' names in it (`test_image_names.txt`).
        captions: the file of captions in it (`test_1kcaptions_de.txt`).
        images: folders that the images' names start from, inside that folder or under a data root; the
            first that has an image gives it. `images` if none is named.

    Raises:
        SourceMissing: no such folder or file, or none of the images.
        DataError: files of different lengths, a blank line, or an image that does not lie there.
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
