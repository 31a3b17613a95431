"""The source `caption_lines`: line i of one file names an image, line i of another is its caption."""

from pathlib import Path

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError
from vlbench.core.reading import Tally
from vlbench.datasets.readers.annotation import lines_of, read_text
from vlbench.datasets.readers.captions import Annotations, CaptionFolder, captioned_images, gather
from vlbench.datasets.readers.location import locate


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

    def holds(folder: Path) -> bool:
        return (folder / names).is_file() and (folder / captions).is_file()

    folder = locate(place, path, wanted=f"{names} and {captions}", holds=holds)
    own = [line.strip() for line in lines_of(read_text(folder / names))]
    said = [line.strip() for line in lines_of(read_text(folder / captions))]
    if len(own) != len(said):
        raise DataError(
            f"{folder}: {names} has {len(own)} lines and {captions} {len(said)}; fetch both again"
        )
    for file, lines in ((names, own), (captions, said)):
        if "" in lines:
            raise DataError(f"{folder / file}:{lines.index('') + 1}: blank; fetch the file again")
    stated = (
        (f"{folder / names}:{number}", image, caption)
        for number, (image, caption) in enumerate(zip(own, said, strict=True), start=1)
    )
    tally = Tally(str(folder))
    said_there = Annotations(gather(stated, tally), tally, captions)
    return captioned_images(
        f"caption_lines:{path}", said_there, CaptionFolder(folder, images or ["images"]), place
    )
