"""Data held against a card: which source, how many, in which order, and whether they decode."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import HubServer

from vlbench.acquiring.check import DataCheck, check_data
from vlbench.acquiring.get import fetch, plan_download
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.yaml_file import read_mapping
from vlbench.core.contracts import Dataset, Offers, Place
from vlbench.core.item import Item
from vlbench.core.registry import SOURCES
from vlbench.datasets.readers.folder import folder

Write = Callable[..., None]


def check(root: Path, *, name: str = "colours", sample: int = 100, verify: bool = False) -> DataCheck:
    return check_data(name, read_catalogue(()), DataRequest(roots=(root,), verify=verify), sample=sample)


def get(root: Path) -> None:
    fetch(plan_download("colours", read_catalogue(()), DataRequest(roots=(root,))), lambda _: None)


def image(path: Path, colour: str = "red") -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(path)


@pytest.mark.slow
def test_what_was_fetched_fits(hub: HubServer, tmp_path: Path, write_card: Write) -> None:
    write_card()
    get(tmp_path)
    asked = len(hub.seen)
    found = check(tmp_path, verify=True)
    assert (found.state, found.differs, found.notes, found.opened) == ("fits", (), (), 6)
    assert found.used is not None
    assert (found.used.kind, found.used.name) == ("webdataset", "webdataset:colours")
    assert [(each.kind, each.looked) for each in found.passed_over] == [
        ("folder", f"no folder with class folders in {tmp_path}/colours/val")  # not next to the shipped card
    ]
    assert [(each.what, each.found, each.expected, each.with_images) for each in found.counts] == [
        ("images", 6, 6, None),
        ("classes", 3, 3, 3),
    ]
    assert len(hub.seen) == asked


def test_missing_data_name_all_places_and_ask_no_network(
    hub: HubServer, tmp_path: Path, write_card: Write
) -> None:
    write_card()
    found = check(tmp_path)
    assert (found.state, found.used) == ("missing", None)
    assert [each.kind for each in found.passed_over] == ["folder", "webdataset", "hub"]
    assert "not in the hub's cache" in found.passed_over[2].looked
    assert hub.seen == []


def test_a_part_of_the_classes_is_counted(tmp_path: Path, write_card: Write, hub: HubServer) -> None:
    write_card()
    image(tmp_path / "colours" / "val" / "green" / "1.png")
    image(tmp_path / "colours" / "val" / "green" / "2.png")
    found = check(tmp_path)
    assert (found.state, found.passed_over) == ("differs", ())
    assert found.differs == ("1 of 3 classes have images", "6 images expected, 2 found")


def test_a_card_is_read_and_its_data_are_listed_once(
    tmp_path: Path, write_card: Write, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card()
    image(tmp_path / "colours" / "val" / "green" / "1.png")
    read: list[str] = []

    def counted(path: Path) -> dict[str, object]:
        read.append(path.name)
        return read_mapping(path)

    def listed(place: Place, /, *, path: str) -> Dataset:
        read.append(path)
        return folder(place, path=path)

    monkeypatch.setattr("vlbench.cards.yaml_file.read_mapping", counted)
    monkeypatch.setitem(SOURCES._values, "folder", listed)
    found = check_data("colours", read_catalogue(()), DataRequest(roots=(tmp_path,)), sample=1)
    assert (found.opened, read) == (1, ["colours.yaml", "colours/val"])


def test_classes_without_images_are_a_note_where_all_images_are_there(
    tmp_path: Path, write_card: Write, hub: HubServer
) -> None:
    write_card(expect="{images: 1, texts: 3}")
    image(tmp_path / "colours" / "val" / "green" / "1.png")
    found = check(tmp_path)
    assert (found.state, found.notes) == ("fits", ("1 of 3 classes have images",))


@pytest.mark.parametrize(("settings", "images"), [("{}", 1), ("{between: texts}", 0)])
def test_wrong_captions_of_items_belong_to_no_image_and_captions_may_be_asked_alone(
    tmp_path: Path, write_card: Write, monkeypatch: pytest.MonkeyPatch, settings: str, images: int
) -> None:
    def with_items(place: Place, /, *, path: str) -> Dataset:
        items = (Item("x", (0,), ("a dog", "one dog", "a cat"), ((0, 0), (0, 1))),)
        return replace(folder(place, path=path), offers=Offers(items=items))

    image(tmp_path / "colours" / "val" / "green" / "1.png")
    monkeypatch.setitem(SOURCES._values, "folder", with_items)
    asked = {"metrics": "[text_score]", "primary": "text_score", "settings": settings}
    write_card(kind="matching", expect="{images: 1, texts: 3}", **asked)
    found = check(tmp_path)
    assert (found.state, found.differs, found.notes) == ("fits", (), ())
    assert [(each.what, each.found) for each in found.counts] == [("images", images), ("captions", 3)]


def test_a_class_that_the_card_has_not_is_named(tmp_path: Path, write_card: Write, hub: HubServer) -> None:
    write_card()
    image(tmp_path / "colours" / "val" / "pink" / "1.png")
    found = check(tmp_path)
    assert found.state == "differs"
    assert found.differs[0].startswith("no class named 'pink'")


def test_a_broken_image_is_named(tmp_path: Path, write_card: Write, hub: HubServer) -> None:
    write_card(expect="{texts: 3}")
    for colour in ("red", "green", "blue"):
        image(tmp_path / "colours" / "val" / colour / "1.png")
    broken = tmp_path / "colours" / "val" / "blue" / "1.png"
    broken.write_bytes(broken.read_bytes()[:50])
    assert check(tmp_path, sample=0).state == "fits"
    found = check(tmp_path)
    assert found.state == "differs"
    assert [each.partition(" does not decode")[0] for each in found.differs] == [
        f"image blue/1.png: {broken}"
    ]


@pytest.mark.parametrize(
    ("names", "state", "said"),
    [
        (
            "green\nred\nblue\n",
            "differs",
            "colours: webdataset:colours: the names lie in another order: class 0 is 'green' beside",
        ),
        ("red\ngreen\n", "differs", "2 names lie beside the images, 3 on the card"),
        ("red\ngrass\nBlue \n", "fits", "1 of 3 names are spelt otherwise beside the images: class 1 is"),
    ],
)
def test_names_beside_labels_that_are_positions(
    hub: HubServer, tmp_path: Path, write_card: Write, names: str, state: str, said: str
) -> None:
    write_card()
    get(tmp_path)
    (tmp_path / "colours" / "classnames.txt").write_text(names)
    found = check(tmp_path)
    assert found.state == state
    (told,) = (*found.differs, *found.notes)
    assert told.startswith(said)


def test_bytes_are_held_against_what_the_hub_stated(
    hub: HubServer, tmp_path: Path, write_card: Write
) -> None:
    write_card()
    get(tmp_path)
    path = tmp_path / "colours" / "classnames.txt"
    path.write_text("red\ngreen\nBLUE\n")
    assert check(tmp_path).state == "fits"
    found = check(tmp_path, verify=True)
    assert found.state == "differs"
    assert found.differs[0].startswith(f"{path} is not what org/wds_colours@")


def test_the_hubs_cache_is_held_against_its_own_names(
    hub: HubServer, tmp_path: Path, write_card: Write
) -> None:
    write_card()
    fetch(plan_download("colours", read_catalogue(()), DataRequest()), lambda _: None)
    assert check(tmp_path, verify=True).state == "fits"
    snapshots = tmp_path / "hub-cache" / "datasets--org--wds_colours" / "snapshots"
    (names,) = snapshots.rglob("classnames.txt")
    names.resolve().write_text("red\ngreen\nBLUE\n")
    found = check(tmp_path, verify=True)
    assert [each.partition(" has other bytes")[0] for each in found.differs] == [str(names)]


def test_own_data_are_counted_and_opened(tmp_path: Path, cards: Path) -> None:
    for name in ("cat", "dog"):
        image(tmp_path / "own" / name / "1.png")
    found = check(tmp_path, name=f"classification:{tmp_path / 'own'}")
    assert (found.state, found.opened) == ("fits", 2)
    assert [(each.what, each.found) for each in found.counts] == [("images", 2), ("classes", 2)]
