"""Where relative and absolute paths are looked for."""

from pathlib import Path

import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import SourceMissing
from vlbench.datasets.readers.location import locate


def find(place: Place, path: str) -> Path:
    return locate(place, path, wanted="folder", holds=Path.is_dir)


def test_roots_come_in_order_and_the_card_last(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("one", "two", "card")]
    place = Place(roots=(places[0], places[1]), card_folder=places[2])
    for each in reversed(places):
        (each / "data" / "val").mkdir(parents=True)
        assert find(place, "data/val") == each / "data" / "val"
    (tmp_path / "one" / "data" / "val").rmdir()
    assert find(place, "data/val") == tmp_path / "two" / "data" / "val"
    assert find(Place(), str(tmp_path / "one")) == tmp_path / "one"


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "pictures").mkdir()
    assert find(Place(roots=(Path("/nowhere"),)), "~/pictures") == tmp_path / "pictures"


def test_all_places_and_what_to_do_are_named(tmp_path: Path) -> None:
    place = Place(roots=(tmp_path / "one",), card_folder=tmp_path / "card")
    with pytest.raises(SourceMissing) as missing:
        find(place, "imagenet/val")
    assert missing.value.looked == f"no folder in {tmp_path}/one/imagenet/val, {tmp_path}/card/imagenet/val"
    assert missing.value.advice == "pass --data-root DIR or set VLBENCH_DATA so that DIR/imagenet/val exists"
    shipped = Place(roots=(tmp_path / "one",), card_folder=tmp_path / "card", shipped=True)
    with pytest.raises(SourceMissing) as missing:
        find(shipped, "imagenet/val")
    assert missing.value.looked == f"no folder in {tmp_path}/one/imagenet/val"
    (tmp_path / "card" / "imagenet" / "val").mkdir(parents=True)
    assert find(shipped, "imagenet/val") == tmp_path / "card" / "imagenet" / "val"
    with pytest.raises(
        SourceMissing, match="no folder as imagenet/val: there is no data root: pass --data-root"
    ):
        find(Place(), "imagenet/val")
    with pytest.raises(SourceMissing) as missing:
        find(Place(), ".")
    assert missing.value.looked == "no folder in a data root: there is none"
    assert missing.value.advice == "pass --data-root DIR or set VLBENCH_DATA so that DIR has folder"
    with pytest.raises(SourceMissing, match=f"no folder in {tmp_path}/none: correct the path"):
        find(place, f"{tmp_path}/none")
