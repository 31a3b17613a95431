"""Annotations of the Recognize Anything repository: both forms, three arrangements, what is refused."""

import gzip
from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.layouts.tag_annotations import tag_annotations

LINES = "test/b2,car\ntest/a1,flower,Ice cream\ntest/c3\n"


@pytest.fixture
def images(tmp_path: Path, png) -> Path:
    folder = tmp_path / "data" / "common"
    (folder / "imgs" / "test").mkdir(parents=True)
    for seed, name in enumerate(("a1", "b2", "c3")):
        (folder / "imgs" / "test" / f"{name}.jpg").write_bytes(png(seed))
    (folder / "annots.txt").write_text(LINES)
    return folder


def ids(source) -> list[str]:
    return [source[i].id for i in range(len(source))]


def test_images_in_the_order_of_the_lines_with_written_tags(images: Path) -> None:
    source = tag_annotations(Place(roots=(images.parent,)), path="common", annotations="annots.txt")
    assert ids(source) == ["test/b2.jpg", "test/a1.jpg", "test/c3.jpg"]
    assert [source[i].target for i in range(3)] == [
        Target(tags=("car",)),
        Target(tags=("flower", "Ice cream")),
        Target(tags=()),
    ]
    assert source.offers.names == (Text("Ice cream"), Text("car"), Text("flower"))
    assert source[1].image().size == (12, 10)


def test_tags_that_are_known_to_be_false_lie_in_a_file_of_their_own(images: Path) -> None:
    def opened(**more: str):
        return tag_annotations(Place(), path=str(images), annotations="annots.txt", **more)

    (images / "false.txt").write_text("test/a1,car,boat\ntest/elsewhere,car\ntest/c3\n")
    source = opened(negatives="false.txt")
    assert [source[i].target for i in range(3)] == [
        Target(tags=("car",), negatives=()),
        Target(tags=("flower", "Ice cream"), negatives=("car", "boat")),
        Target(tags=(), negatives=()),
    ]
    assert Text("boat") in source.offers.names
    assert source.reading.labels == "names of annots.txt, negative tags of false.txt"
    assert [str(each) for each in source.reading.left_out] == [
        "1 lines of negative tags whose image is not annotated (the first: test/elsewhere.jpg)"
    ]
    before = source.revision
    (images / "false.txt").write_text("test/a1,car\n")
    assert len({before, opened(negatives="false.txt").revision, opened().revision}) == 3
    with pytest.raises(SourceMissing, match="no file of negative tags"):
        opened(negatives="gone.txt")


VERIFIED = "ImageID,Source,LabelName,Confidence"


def test_labels_of_open_images_are_verified_as_true_or_as_false(images: Path) -> None:
    file = images / "test-annotations-human-imagelabels.csv"
    file.write_text(
        f"{VERIFIED}\nb2,verification,/m/0k4j,1\na1,verification,/m/0k4j,0\nb2,crowdsource,/m/0c9,0\n"
    )
    source = tag_annotations(Place(), path=str(images), annotations=file.name, form="open images")
    assert ids(source) == ["b2.jpg", "a1.jpg"]
    assert [source[i].target for i in range(2)] == [
        Target(tags=("/m/0k4j",), negatives=("/m/0c9",)),
        Target(tags=(), negatives=("/m/0k4j",)),
    ]
    with pytest.raises(DataError, match="lists what is false itself; leave out `negatives`"):
        tag_annotations(
            Place(), path=str(images), annotations=file.name, form="open images", negatives="annots.txt"
        )


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("ImageID,LabelName\na1,x", "the columns are not ImageID, LabelName, Confidence"),
        (f"{VERIFIED}\na1,verification,/m/0,0.7", r"labels\.csv:2: confidence '0.7' of '/m/0' is neither"),
        (f"{VERIFIED}\na1,verification", r"labels\.csv:2: confidence '' of '' is neither"),
        (f"{VERIFIED}\n,verification,/m/0,1", r"labels\.csv:2: '' names no image"),
        (VERIFIED, "has no line"),
    ],
)
def test_what_is_no_verified_label_is_named(images: Path, lines: str, told: str) -> None:
    (images / "labels.csv").write_text(f"{lines}\n")
    with pytest.raises(DataError, match=told):
        tag_annotations(Place(), path=str(images), annotations="labels.csv", form="open images")


def test_one_data_set_in_other_arrangements_is_one_revision(images: Path) -> None:
    def opened(folder: Path):
        return tag_annotations(Place(), path=str(folder), annotations=str(images / "annots.txt"))

    by_root = tag_annotations(Place(roots=(images.parent,)), path="common", annotations="annots.txt")
    assert opened(images).revision == by_root.revision

    before = opened(images)
    (images / "imgs").rename(images.parent / "moved")
    moved = (images.parent / "moved").rename(images / "pictures")
    found = opened(images)  # no imgs: the images are found by their names
    assert (ids(found), found.revision) == (ids(before), before.revision)
    (moved / "test").rename(images / "test")
    found = opened(images)
    assert (ids(found), found.revision) == (ids(before), before.revision)


def test_indices_a_suffix_and_class_folders(tmp_path: Path, png) -> None:
    for folder, name in (("n01", "val_1.JPEG"), ("n02", "val_2.JPEG")):
        (tmp_path / "val" / folder).mkdir(parents=True)
        (tmp_path / "val" / folder / name).write_bytes(png(1))
    labels = tmp_path / "cards" / "labels.txt.gz"
    labels.parent.mkdir()
    labels.write_bytes(gzip.compress(b"val_1.JPEG\nval_2.JPEG,970 795\n"))
    place = Place(roots=(tmp_path,), card_folder=labels.parent)
    source = tag_annotations(place, path="val", annotations="labels.txt.gz", form="indices")
    assert ids(source) == ["val_1.JPEG", "val_2.JPEG"]
    assert [source[i].target.tags for i in range(2)] == [(), (970, 795)]
    assert source.offers.names == ()


@pytest.mark.parametrize(
    ("line", "form", "told"),
    [
        (",car", "names", "',car' names no image"),
        ("test/a1,car,", "names", "an empty tag"),
        ("../a1,car", "names", r"'\.\./a1\.jpg' leads out of the folder"),
        ("test/b2,dog", "names", r"test/b2\.jpg is named at .*:1 already"),
        ("test/z9,car", "names", r"image .*imgs/test/z9\.jpg is not there; complete the images"),
        ("test/a1,car", "indices", "'car' are no indices"),
        ("test/a1,-1", "indices", "'-1' are no indices"),
    ],
)
def test_a_wrong_line_is_named(images: Path, line: str, form, told: str) -> None:
    first = "test/b2,car" if form == "names" else "test/b2,1"
    (images / "annots.txt").write_text(f"{first}\n{line}\n")
    with pytest.raises(DataError, match=rf"annots\.txt:2: {told}"):
        tag_annotations(Place(), path=str(images), annotations="annots.txt", form=form)


def test_two_files_of_one_name_are_not_chosen_from(images: Path, png) -> None:
    for folder in ("x", "y"):
        (images / "imgs" / folder).mkdir()
        (images / "imgs" / folder / "d4.jpg").write_bytes(png(4))
    (images / "annots.txt").write_text("test/d4,car\n")
    with pytest.raises(DataError, match=r"2 files are called d4\.jpg under .*imgs, none of them at test/d4"):
        tag_annotations(Place(), path=str(images), annotations="annots.txt")


def test_no_folder_or_file_is_missing_data_and_a_damaged_file_an_error(images: Path) -> None:
    with pytest.raises(SourceMissing, match="no folder of images"):
        tag_annotations(Place(roots=(images.parent,)), path="rare", annotations="annots.txt")
    with pytest.raises(SourceMissing, match="no annotation file"):
        tag_annotations(Place(), path=str(images), annotations="none.txt")
    (images / "empty").mkdir()
    with pytest.raises(
        SourceMissing, match=r"none of the 3 images under .*empty: put them .* as test/b2\.jpg"
    ):
        tag_annotations(Place(), path=str(images / "empty"), annotations=str(images / "annots.txt"))
    (images / "a.txt.gz").write_bytes(b"test/a1,car")
    with pytest.raises(DataError, match=r"a\.txt\.gz cannot be read .*fetch it again"):
        tag_annotations(Place(), path=str(images), annotations="a.txt.gz")
    (images / "a.txt.gz").write_bytes(gzip.compress(b"test/a1,car")[:-12])
    with pytest.raises(DataError, match=r"a\.txt\.gz cannot be read"):
        tag_annotations(Place(), path=str(images), annotations="a.txt.gz")
    (images / "annots.txt").write_text("\n")
    with pytest.raises(DataError, match=r"annots\.txt has no line"):
        tag_annotations(Place(), path=str(images), annotations="annots.txt")


def test_a_damaged_gzip_is_refused_in_a_line(images: Path) -> None:
    path = images / "annots.txt.gz"
    whole = gzip.compress((LINES * 50).encode())
    for position in range(10, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"annots\.txt\.gz") as refused:
            tag_annotations(Place(roots=(images.parent,)), path="common", annotations="annots.txt.gz")
        assert "\n" not in str(refused.value)
