"""FGVC Aircraft: its lists, its variants with blanks and slashes, and what is refused."""

from pathlib import Path

import pytest

from vlbench.core.contracts import Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing, UnknownName
from vlbench.datasets.layouts.aircraft_variants import aircraft_variants


@pytest.fixture
def aircraft(tmp_path: Path, png) -> Path:
    root = tmp_path / "data" / "fgvc_aircraft"
    (root / "images").mkdir(parents=True)
    for seed, number in enumerate(("0034309", "1025794", "1340192")):
        (root / "images" / f"{number}.jpg").write_bytes(png(seed))
    (root / "variants.txt").write_text("707-320\nF/A-18\nFokker 100\n")
    (root / "images_variant_test.txt").write_text("1025794 Fokker 100\n0034309 F/A-18\n")
    (root / "images_variant_train.txt").write_text("1340192 707-320\n")
    return root


def test_a_list_in_its_order_with_variants_in_theirs(aircraft: Path) -> None:
    source = aircraft_variants(Place(roots=(aircraft.parent,)), path="fgvc_aircraft")
    assert [source[i].id for i in range(len(source))] == ["1025794.jpg", "0034309.jpg"]
    assert [source[i].target for i in range(2)] == [Target(label=2), Target(label=1)]
    assert source.offers.names == (Text("707-320"), Text("F/A-18"), Text("Fokker 100"))
    train = aircraft_variants(Place(), path=str(aircraft), split="train")
    assert [train[i].id for i in range(len(train))] == ["1340192.jpg"]
    assert train.revision != source.revision
    assert source[0].image().size == (13, 10)


def test_variants_in_another_order_are_another_revision(aircraft: Path) -> None:
    before = aircraft_variants(Place(), path=str(aircraft)).revision
    (aircraft / "variants.txt").write_text("Fokker 100\nF/A-18\n707-320\n")
    assert aircraft_variants(Place(), path=str(aircraft)).revision != before


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0034309 F/A-16", r"no variant named 'F/A-16'; did you mean F/A-18\?; .*_test\.txt:2 carries it"),
        ("0034309", r"_test\.txt:2: '0034309' is no image number and variant"),
        ("../0034309 F/A-18", r"_test\.txt:2: .* is no image number and variant"),
        ("0034310 F/A-18", r"_test\.txt:2: image .*images/0034310\.jpg is not there"),
    ],
)
def test_a_wrong_line_is_named(aircraft: Path, line: str, told: str) -> None:
    (aircraft / "images_variant_test.txt").write_text(f"1025794 Fokker 100\n{line}\n")
    with pytest.raises((DataError, UnknownName), match=told):
        aircraft_variants(Place(), path=str(aircraft))


def test_no_variants_are_missing_data_and_a_missing_or_empty_list_an_error(aircraft: Path) -> None:
    with pytest.raises(SourceMissing, match=r"no variants\.txt in .*/images"):
        aircraft_variants(Place(), path=str(aircraft / "images"))
    with pytest.raises(DataError, match=r"images_variant_val\.txt: no such file"):
        aircraft_variants(Place(), path=str(aircraft), split="val")
    (aircraft / "images_variant_val.txt").write_text("\n")
    with pytest.raises(DataError, match=r"images_variant_val\.txt has no line"):
        aircraft_variants(Place(), path=str(aircraft), split="val")
