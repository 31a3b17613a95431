"""Items in the rows of parquet files, through the sources that read other rows too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vlbench.core.contracts import Place
from vlbench.core.errors import CardError, DataError
from vlbench.core.image import key_of
from vlbench.datasets.readers.hub import hub
from vlbench.datasets.readers.item_fields import ItemFields
from vlbench.datasets.readers.parquet import parquet

PAIRS = ItemFields(images=["image_0", "image_1"], right=["caption_0", "caption_1"])


@pytest.fixture
def file(tmp_path: Path, png: Callable[[int], bytes], write_parquet: Callable[..., Path]) -> Path:
    return write_parquet(
        tmp_path / "test.parquet",
        {
            "image_0": [{"bytes": png(k), "path": "a.png"} for k in range(3)],
            "image_1": [png(10 + k) for k in range(3)],
            "caption_0": ["a", "b", "c"],
            "caption_1": ["d", "e", "f"],
            "part": ["one", "two", "one"],
        },
        row_group_size=2,
    )


def test_a_row_is_an_item_of_its_own_images(file: Path, png: Callable[[int], bytes]) -> None:
    source = parquet(Place(), path=str(file), items=PAIRS, where={"part": "one"})
    assert [item.images for item in source.offers.items] == [(0, 1), (2, 3)]
    assert [item.texts for item in source.offers.items] == [("a", "d"), ("c", "f")]
    assert [item.id for item in source.offers.items] == ["0", "1"]
    assert [example.id for example in source.examples][2:] == [
        "test.parquet/2/image_0",
        "test.parquet/2/image_1",
    ]
    keys = [key_of(example.image(), example) for example in source.examples]
    assert len(set(keys)) == 4
    assert source.reading.labels == "columns 'caption_0', 'caption_1'"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (ItemFields(["image"], ["caption_0"]), "no column 'image'; it has image_0"),
        (ItemFields(["caption_0"], ["caption_0"]), "column 'caption_0' is string and holds no image"),
        (ItemFields(["image_0"], ["caption"]), "no column 'caption'; it has"),
        (
            ItemFields(["image_0"], ["caption_0"], labels={"class": "image_1"}),
            "row 0: label b'.*' is no word",
        ),
    ],
)
def test_wrong_columns_are_named(file: Path, fields: ItemFields, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        parquet(Place(), path=str(file), items=fields)
    assert str(file) in str(error.value)


def test_what_is_of_single_images_is_refused_beside_items(file: Path) -> None:
    with pytest.raises(CardError, match="`columns` and `captions` are for images by themselves"):
        parquet(Place(), path=str(file), items=PAIRS, columns={"label": "part"})
    with pytest.raises(DataError, match="has no row that is asked for"):
        parquet(Place(), path=str(file), items=PAIRS, where={"part": "three"})


def test_the_hub_has_items_too(file: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    copy = tmp_path / "hub" / f"org/pairs@{commit}" / "test.parquet"
    copy.parent.mkdir(parents=True)
    file.rename(copy)
    place = Place(cache=tmp_path)
    source = hub(place, repo="org/pairs", revision=commit, layout="datasets", items=PAIRS)
    assert (source.revision, len(source), len(source.offers.items)) == (commit, 6, 3)
    with pytest.raises(CardError, match="captions and items are for the other layouts"):
        hub(place, repo="org/pairs", revision=commit, layout="webdataset", items=PAIRS)
