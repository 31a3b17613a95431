"""Data sets as torchvision leaves them on disk."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from torchvision_folders import MINIATURES, mnist, picture

from vlbench.core.contracts import Place
from vlbench.core.errors import CardError, DataError, SourceMissing, UnknownName
from vlbench.datasets.layouts import torchvision as module
from vlbench.datasets.layouts.torchvision import LAYOUTS, torchvision

pytestmark = pytest.mark.usefixtures("unchecked")


@pytest.mark.parametrize("dataset", MINIATURES)
def test_labels_and_images_are_torchvisions(dataset: str, tmp_path: Path) -> None:
    from torchvision import datasets

    write, options, labels = MINIATURES[dataset]
    write(tmp_path / "root", labels)
    source = torchvision(Place(roots=(tmp_path,)), path="root", dataset=dataset, options=dict(options))
    theirs = getattr(datasets, dataset)(str(tmp_path / "root"), **options)
    assert [source[i].target.label for i in range(len(source))] == list(labels)
    found = [theirs[i] for i in range(len(theirs))]
    if dataset == "SUN397":  # in the order of the disk
        found.sort(key=lambda item: item[1])
    assert [label for _, label in found] == list(labels)
    for i, (image, _) in enumerate(found):
        assert source[i].image().tobytes() == image.tobytes()
    assert source[len(labels) - 1].id == f"{dataset}-{len(labels) - 1:06d}"


def test_every_data_set_but_pcam_has_a_miniature() -> None:
    assert LAYOUTS.keys() - MINIATURES.keys() == {"PCAM"}


def test_pcam_says_what_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(roots=(tmp_path,))
    options = {"path": ".", "dataset": "PCAM", "options": {"split": "test"}}
    with pytest.raises(
        SourceMissing, match=r"no PCAM of torchvision \(pcam/camelyonpatch_level_2_split_test_x"
    ):
        torchvision(place, **options)  # type: ignore[arg-type]
    (tmp_path / "pcam").mkdir()
    for each in "xy":
        (tmp_path / "pcam" / f"camelyonpatch_level_2_split_test_{each}.h5").touch()
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(SourceMissing, match="holds PCAM: pip install h5py, which reads it"):
        torchvision(place, **options)  # type: ignore[arg-type]


def test_pcam_by_its_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    import numpy as np

    (tmp_path / "pcam").mkdir()
    for name, key, values in (
        ("x", "x", np.full((2, 96, 96, 3), 7, dtype=np.uint8)),
        ("y", "y", np.array([1, 0], dtype=np.uint8).reshape(2, 1, 1, 1)),
    ):
        with h5py.File(tmp_path / "pcam" / f"camelyonpatch_level_2_split_test_{name}.h5", "w") as file:
            file[key] = values
    source = torchvision(Place(), path=str(tmp_path), dataset="PCAM", options={"split": "test"})
    assert [source[i].target.label for i in range(2)] == [1, 0]
    assert source[1].image().getpixel((95, 95)) == (7, 7, 7)


def test_revision_is_that_of_the_files_and_not_of_archives(tmp_path: Path) -> None:
    options = {"train": False}
    for name in ("one", "two"):
        mnist(tmp_path / name, (1, 2))
    one, two = (
        torchvision(Place(), path=str(tmp_path / name), dataset="MNIST", options=options)
        for name in ("one", "two")
    )
    assert one.revision == two.revision
    (tmp_path / "one" / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz").write_bytes(b"archive")
    assert torchvision(Place(), path=str(tmp_path / "one"), dataset="MNIST", options=options).revision == (
        two.revision
    )
    train = torchvision(Place(), path=str(tmp_path / "one"), dataset="MNIST", options={"train": True})
    assert train.revision != one.revision
    assert train[0].state != one[0].state


def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(roots=(tmp_path,))
    with pytest.raises(UnknownName, match="no torchvision data set named 'CIFAR'; did you mean CIFAR10"):
        torchvision(place, path=".", dataset="CIFAR")
    with pytest.raises(SourceMissing, match=r"no MNIST of torchvision \(MNIST/raw\) in"):
        torchvision(place, path=".", dataset="MNIST")
    mnist(tmp_path, (1, 2))
    for option in ({"download": True}, {"transform": "x"}):
        with pytest.raises(CardError, match="MNIST takes no '"):
            torchvision(place, path=".", dataset="MNIST", options=option)  # type: ignore[arg-type]
    with pytest.raises(CardError, match="MNIST takes other options"):
        torchvision(place, path=".", dataset="MNIST", options={"split": "test"})
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"torchvision does not open MNIST .*Dataset not found\.\); unpack"):
        torchvision(place, path=".", dataset="MNIST", options={"train": False})


def test_a_rerun_imports_no_torch(tmp_path: Path) -> None:
    mnist(tmp_path, (1, 2))
    place = Place(cache=tmp_path / "cache")
    source = torchvision(place, path=str(tmp_path), dataset="MNIST", options={"train": False})
    code = (
        "import sys; from pathlib import Path; from vlbench.core.contracts import Place;"
        "from vlbench.datasets.layouts.torchvision import torchvision;"
        "place = Place(cache=Path(sys.argv[1]) / 'cache');"
        "s = torchvision(place, path=sys.argv[1], dataset='MNIST', options={'train': False});"
        "print(s.revision, [s[i].target.label for i in range(len(s))], s[1].state);"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == f"{source.revision} [1, 2] {source[1].state}\nFalse"


@pytest.mark.parametrize("dataset", [name for name, layout in LAYOUTS.items() if layout.files])
def test_images_that_are_files_reach_the_decoders_of_all_data_sets_alone(
    dataset: str, tmp_path: Path
) -> None:
    write, options, labels = MINIATURES[dataset]
    write(tmp_path / "root", labels)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    for path in (tmp_path / "root").rglob("*"):
        if path.suffix in (".jpg", ".png", ".ppm"):
            path.write_bytes(eps)
    source = torchvision(Place(roots=(tmp_path,)), path="root", dataset=dataset, options=dict(options))
    for i in range(len(source)):
        with pytest.raises(DataError, match=r"image \d+ of .* does not open \(.* is no image of a kind"):
            source[i].image()


def test_lists_of_a_data_set_name_files_of_its_own(tmp_path: Path) -> None:
    write, options, labels = MINIATURES["Food101"]
    write(tmp_path / "root", labels)
    picture(tmp_path / "secret" / "s.jpg", 1)
    names = tmp_path / "root" / "food-101" / "meta" / "test.json"
    names.write_text(json.dumps({"apple_pie": ["../../../secret/s"]}))
    source = torchvision(Place(roots=(tmp_path,)), path="root", dataset="Food101", options=dict(options))
    with pytest.raises(DataError, match=r"Food101: '\.\./secret/s\.jpg' leads out of the folder"):
        source[0].image()


def looping(table: bytearray) -> None:
    """States more elements than any memory holds; scipy goes through all of them."""
    table[167] = 127  # the highest byte of the second number of the table's shape


def crashing(table: bytearray) -> None:
    """States a type of text beyond the list in which scipy looks it up."""
    table[table.index(b"AM General") - 7] = 16


@pytest.mark.parametrize("damage", [looping, crashing, bytearray.clear])
def test_a_table_that_scipy_cannot_read_is_a_line(
    damage: Callable[[bytearray], None], tmp_path: Path
) -> None:
    write, options, labels = MINIATURES["StanfordCars"]
    write(tmp_path / "root", labels)
    table = tmp_path / "root" / "stanford_cars" / "devkit" / "cars_meta.mat"
    data = bytearray(table.read_bytes())
    damage(data)
    table.write_bytes(data)
    with pytest.raises(DataError, match=r"cars_meta\.mat is no table of MATLAB, or damaged \(.+\); unpack"):
        torchvision(Place(roots=(tmp_path,)), path="root", dataset="StanfordCars", options=dict(options))


def test_a_list_that_is_no_csv_is_a_line(tmp_path: Path) -> None:
    write, options, labels = MINIATURES["GTSRB"]
    write(tmp_path / "root", labels)
    (tmp_path / "root" / "gtsrb" / "GT-final_test.csv").write_text("Filename;ClassId\n" + "x" * 2**18)
    with pytest.raises(DataError, match=r"does not open GTSRB .*\(field larger than field limit"):
        torchvision(Place(roots=(tmp_path,)), path="root", dataset="GTSRB", options=dict(options))
