"""Objects of Pascal VOC, cut out of their images."""

from pathlib import Path

import pytest
from PIL import Image

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import DataError
from vlbench.core.image import decoding_remarks, key_of, part_of
from vlbench.datasets.layouts.voc import voc_objects

OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox>"
    "<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def annotate(root: Path, *objects: tuple[object, ...]) -> None:
    record = "".join(OBJECT.format(*each) for each in objects)
    (root / "Annotations" / "000007.xml").write_text(f"<annotation>{record}</annotation>")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "test.txt").write_text("000007\n")
    image = Image.new("RGB", (20, 10))
    image.paste((0, 0, 255), (4, 2, 10, 8))
    image.save(tmp_path / "JPEGImages" / "000007.jpg", format="PNG")
    return tmp_path


def test_every_object_is_an_image(root: Path) -> None:
    annotate(root, ("dog", 1, 4, 2, 10, 8), ("car", 0, 1, 1, 20, 10))
    source = voc_objects(Place(), path=str(root))
    assert [(source[i].id, source[i].target.label) for i in range(2)] == [
        ("000007.jpg/0", "dog"),
        ("000007.jpg/1", "car"),
    ]
    assert source.offers.names == (Text("car"), Text("dog"))
    cut = part_of(source[0].image(), source[0].box)
    assert (cut.size, cut.getcolors()) == ((6, 6), [(36, (0, 0, 255))])
    assert part_of(source[-1].image(), source[-1].box).size == (19, 9)
    keys = {key_of(each.image(), each) for each in source.examples}
    assert len(keys) == 2  # of equal bytes and other boxes
    assert source[0].state != source[1].state
    before = source.revision
    annotate(root, ("dog", 1, 4, 2, 11, 8), ("car", 0, 1, 1, 20, 10))
    assert voc_objects(Place(), path=str(root)).revision != before


def test_a_box_without_pixels_is_refused(root: Path) -> None:
    annotate(root, ("dog", 0, 4, 2, 4, 8))
    with pytest.raises(DataError, match=r"000007\.xml: dog has no box that holds pixels"):
        voc_objects(Place(), path=str(root))


def test_what_decoding_changes_of_a_whole_image_is_told_of_its_parts(root: Path) -> None:
    annotate(root, ("dog", 1, 4, 2, 10, 8))
    path = root / "JPEGImages" / "000007.jpg"
    assert decoding_remarks(voc_objects(Place(), path=str(root))[0].image()) == ()
    Image.new("CMYK", (20, 10)).save(path, format="JPEG")
    whole = voc_objects(Place(), path=str(root))[0].image()
    assert decoding_remarks(whole) == ("of CMYK, converted without their colour profile",)
