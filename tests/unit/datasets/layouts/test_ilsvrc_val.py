"""ImageNet's flat validation images: what tells what they show, and what is refused without it."""

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Dataset, Place
from vlbench.core.errors import DataError, SourceMissing, SourceUnread
from vlbench.datasets.layouts.ilsvrc_val import ilsvrc_val
from vlbench.datasets.readers.folder import folder

TENCH, GOLDFISH, SHARK = "n01440764", "n01443537", "n01484850"
IDS = f"{GOLDFISH}\n{TENCH}\n{SHARK}\n"
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
HEADER = "ImageId,PredictionString\n"
KAGGLE = (
    HEADER
    + f"ILSVRC2012_val_00000002,{TENCH} 1 2 3 4 {TENCH} 5 6 7 8 \nILSVRC2012_val_00000001,{SHARK} 1 2 3 4 \n"
)


@pytest.fixture
def flat(tmp_path: Path, png: Callable[[int], bytes]) -> Callable[[str], Path]:
    """Write two images flat into a folder, and the wnids of the numbers; the data root."""

    def write(below: str) -> Path:
        root = tmp_path / "data"
        (root / below).mkdir(parents=True, exist_ok=True)
        for number in (1, 2):
            (root / below / f"ILSVRC2012_val_{number:08}.JPEG").write_bytes(png(number))
        (root / "ids.txt").write_text(IDS)
        return root

    return write


def opened(root: Path, path: str = "imagenet", **options: bool) -> Dataset:
    return ilsvrc_val(Place(roots=(root,), **options), path=path, ids="ids.txt")


def truth(source: Dataset) -> dict[str, object]:
    return {example.id: example.target.label for example in source.examples}


SHOWN = {f"{TENCH}/ILSVRC2012_val_00000002.JPEG": TENCH, f"{SHARK}/ILSVRC2012_val_00000001.JPEG": SHARK}


@pytest.mark.parametrize(
    ("images", "file"),
    [
        ("imagenet/val", f"imagenet/{TRUTH}"),
        ("imagenet/val", f"imagenet/val/{TRUTH}"),
        ("imagenet/validation", f"imagenet/ILSVRC2012_devkit_t12/data/{TRUTH}"),
        ("imagenet/ILSVRC/Data/CLS-LOC/val", "imagenet/LOC_val_solution.csv"),
        ("imagenet", f"imagenet/devkit/data/{TRUTH}"),
        ("imagenet", "LOC_val_solution.csv"),
    ],
)
def test_labels_are_those_of_the_file_that_was_downloaded_with_the_images(
    images: str, file: str, flat: Callable[[str], Path]
) -> None:
    root = flat(images)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text("3\n2\n" if file.endswith(".txt") else KAGGLE)
    source = opened(root)
    assert truth(source) == SHOWN
    assert source.reading.labels == Path(file).name
    assert source[1].image().size == (13, 10)


def test_labels_are_read_from_the_packed_kit(flat: Callable[[str], Path]) -> None:
    root = flat("imagenet/val")
    kit = root / "imagenet" / "ILSVRC2012_devkit_t12.tar.gz"
    with tarfile.open(kit, "w:gz") as tar:
        for name, data in (("readme.txt", b"x"), (f"data/{TRUTH}", b"3\n2\n")):
            info = tarfile.TarInfo(f"ILSVRC2012_devkit_t12/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    assert truth(opened(root)) == SHOWN
    kit.write_bytes(kit.read_bytes()[:60])
    with pytest.raises(DataError, match=r"devkit_t12\.tar\.gz is no packed tar, or damaged .*; fetch"):
        opened(root)


def test_sorted_into_folders_they_are_the_same_data_set(flat: Callable[[str], Path], tmp_path: Path) -> None:
    root = flat("imagenet/val")
    (root / "imagenet" / TRUTH).write_text("3\n2\n")
    one = opened(root)
    for name in SHOWN:
        (tmp_path / "val" / name).parent.mkdir(parents=True)
        shutil.copy(root / "imagenet" / "val" / Path(name).name, tmp_path / "val" / name)
    other = folder(Place(roots=(tmp_path,)), path="val")
    assert (one.revision, truth(one)) == (other.revision, truth(other))
    assert [each.id for each in one.examples] == [each.id for each in other.examples]


def test_without_labels_they_are_refused_and_the_file_is_named(flat: Callable[[str], Path]) -> None:
    root = flat("imagenet/val")
    with pytest.raises(
        DataError,
        match=r"imagenet/val: 2 images lie flat, as ILSVRC2012_val_00000001\.JPEG, .* put "
        r"ILSVRC2012_devkit_t12\.tar\.gz .* or LOC_val_solution\.csv of Kaggle into .*/imagenet, or sort",
    ) as refused:
        opened(root)
    assert isinstance(refused.value, SourceUnread)  # another copy may stand in for it, which is told
    with pytest.raises(SourceMissing, match=r"no flat ILSVRC2012_val_\*\.JPEG in"):
        opened(root, "nowhere")
    (root / "ILSVRC2012_img_val.tar").touch()
    with pytest.raises(SourceMissing, match=r"ILSVRC2012_img_val\.tar is packed\): unpack it into a folder"):
        opened(root, ".")


@pytest.mark.parametrize(
    ("file", "said", "told"),
    [
        (TRUTH, "3\n0\n", r"truth\.txt:2: 0 is none of the classes 1 to 3"),
        (TRUTH, "3\n4\n", r"truth\.txt:2: 4 is none of the classes"),
        (TRUTH, "3\ntench\n", r"truth\.txt:2: 'tench' is no number of a class"),
        (TRUTH, "3\n2\n1\n", r"truth\.txt:3: image .*val/ILSVRC2012_val_00000003\.JPEG is not there"),
        ("LOC_val_solution.csv", "a,b\n1,2\n", "the columns are not ImageId, PredictionString"),
        ("LOC_val_solution.csv", HEADER + f"x,{TENCH} 1 2 3\n", "line 2: .* are no boxes of one wnid"),
        ("LOC_val_solution.csv", HEADER + f"x,{TENCH} 1 2 3 4 {SHARK} 1 2 3 4\n", "no boxes of one wnid"),
        (
            "LOC_val_solution.csv",
            HEADER + f"../../x,{TENCH} 1 2 3 4\n",
            "'../../x.JPEG' leads out of the folder",
        ),
        ("LOC_val_solution.csv", KAGGLE + KAGGLE.removeprefix(HEADER), "is named at .*line 2 already"),
    ],
)
def test_what_is_wrong_is_named(file: str, said: str, told: str, flat: Callable[[str], Path]) -> None:
    root = flat("imagenet/val")
    (root / "imagenet" / file).write_text(said)
    with pytest.raises(DataError, match=told):
        opened(root)


def test_images_and_labels_without_each_other_are_counted(flat: Callable[[str], Path]) -> None:
    root = flat("imagenet/val")
    (root / "imagenet" / "LOC_val_solution.csv").write_text(
        HEADER + f"ILSVRC2012_val_00000002,{TENCH} 1 2 3 4\nILSVRC2012_val_00000009,{TENCH} 1 2 3 4\n"
    )
    source = opened(root, allow_subset=True)
    assert len(source) == 1
    assert source.reading.lacks == "1 of 2 listed images are not there, as ILSVRC2012_val_00000009.JPEG"
    assert [(each.count, each.first) for each in source.reading.left_out] == [
        (1, "ILSVRC2012_val_00000001.JPEG")
    ]
