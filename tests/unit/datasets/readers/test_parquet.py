"""Rows of parquet files: columns, splits, and images read a stretch at a time."""

import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL.Image import Image

from vlbench.core.contracts import Dataset, Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.files import file_state
from vlbench.datasets.readers import parquet_rows
from vlbench.datasets.readers.parquet import parquet
from vlbench.datasets.readers.parquet_rows import read_row

Png = Callable[[int], bytes]
Write = Callable[..., Path]


def bytes_of(source: Dataset, index: int) -> bytes:
    return read_row(*cast("partial[Image]", source[index].image).args)


def test_usual_columns_are_found(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    path = write_parquet(
        tmp_path / "a.parquet",
        {
            "id": [7, 8],
            "img": [{"bytes": png(0), "path": "0.png"}, {"bytes": png(1), "path": None}],
            "fine_label": [1, 0],
            "caption": [["one", " two "], None],
            "tags": [["x"], []],
        },
    )
    source = parquet(Place(), path=str(path))
    assert [source[i].target for i in range(2)] == [
        Target(label=1, captions=("one", "two"), tags=("x",)),
        Target(label=0, tags=()),
    ]
    assert [bytes_of(source, i) for i in range(2)] == [png(0), png(1)]
    assert source[0].image().size == (12, 10)
    assert (source[1].id, source[1].state) == ("a.parquet/1", f"{file_state(path)}#1")


def test_columns_of_unknown_and_of_negative_tags(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    columns = {"image": [png(0), png(1)], "tags": [["x"], []], "unsure": [["y"], []]}
    path = write_parquet(tmp_path / "a.parquet", {**columns, "negative_tags": [["z"], ["x"]]})
    source = parquet(Place(), path=str(path), columns={"unknown_tags": "unsure"})
    assert [source[i].target for i in range(2)] == [
        Target(tags=("x",), unknown=("y",), negatives=("z",)),
        Target(tags=(), negatives=("x",)),
    ]
    assert "'negative_tags' (list<element: string>)" in source.reading.labels
    assert [text.name for text in source.offers.names] == ["x", "y", "z"]
    path = write_parquet(tmp_path / "b.parquet", {**columns, "unknown_tags": ["y", ""]})
    with pytest.raises(DataError, match="column 'unknown_tags' is string and holds no unknown_tags"):
        parquet(Place(), path=str(path))


def test_named_columns_are_taken_and_rows_chosen(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    write_parquet(
        tmp_path / "data" / "a.parquet",
        {
            "picture": [png(i) for i in range(4)],
            "split": ["train", "test", "val", "test"],
            "sentences": [[{"raw": f"raw {i}", "id": i}] for i in range(4)],
            "caption_0": [f"zero {i}" for i in range(4)],
            "caption_1": [f"one {i}" for i in range(4)],
            "animal": ["cat", "dog", "cat", "a_cow"],
        },
    )

    def read(**columns: str | list[str]) -> Dataset:
        options = {"image": "picture", **columns}
        return parquet(Place(roots=(tmp_path,)), path="data", columns=options, where={"split": "test"})  # type: ignore[arg-type]

    source = read(captions=["caption_0", "caption_1"], label="animal")
    assert [source[i].target for i in range(len(source))] == [
        Target(label="dog", captions=("zero 1", "one 1")),
        Target(label="a_cow", captions=("zero 3", "one 3")),
    ]
    assert [bytes_of(source, i) for i in range(2)] == [png(1), png(3)]
    assert [source[i].id for i in range(2)] == ["a.parquet/1", "a.parquet/3"]
    assert source.offers.names == (Text("a cow", ids={"label": "a_cow"}), Text("dog"))
    assert read(captions="sentences")[1].target.captions == ("raw 3",)
    assert read()[1].target.captions == ("raw 3",)  # `sentences` is a usual name
    for column, problem in (
        ({"label": "kind"}, "no column 'kind'; it has picture, split"),
        ({"label": "picture"}, "column 'picture' is binary and holds no label"),
        ({"tags": ["split", "animal"]}, "2 columns are named as `tags`; name one"),
        ({"image": "animal"}, "column 'animal' is string and holds no image"),
    ):
        with pytest.raises(DataError, match=problem):
            read(**column)


def test_rows_that_nobody_chose_are_an_error(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": [png(0)], "split": ["train"]})
    with pytest.raises(DataError, match=r"has no row where \{'split': 'test'\}"):
        parquet(Place(), path=str(path), where={"split": "test"})
    with pytest.raises(DataError, match="no column 'part' to choose by; it has image, split"):
        parquet(Place(), path=str(path), where={"part": "test"})
    path = write_parquet(tmp_path / "b.parquet", {"text": ["a"]})
    with pytest.raises(DataError, match="no column holds images; it has text: name one"):
        parquet(Place(), path=str(path))


@pytest.mark.parametrize(("column", "listed"), [("label", False), ("tags", True)])
def test_class_names_come_with_the_files(
    tmp_path: Path, png: Png, write_parquet: Write, column: str, listed: bool
) -> None:
    names = {column: ["b_b", "a"]}
    values = [[0], [1, 0]] if listed else [1, 0]
    write_parquet(
        tmp_path / "data" / "a.parquet",
        {"image": [png(0), png(1)], column: values},
        names=names,
        listed=names if listed else (),
    )
    source = parquet(Place(), path=str(tmp_path / "data"))
    assert source.offers.names == (Text("b b", ids={"label": "b_b"}), Text("a"))
    (tmp_path / "data" / "names.txt").write_text("bee\nay\n")
    (tmp_path / "data" / "templates.txt").write_text("some {c}\n")
    source = parquet(Place(), path=str(tmp_path / "data"))
    assert source.offers.names == (Text("bee"), Text("ay"))
    assert source.offers.templates == ("some {}",)


def test_rows_read_in_any_order_and_thread_are_the_same(
    tmp_path: Path, png: Png, write_parquet: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in range(2):
        write_parquet(
            tmp_path / f"{part}.parquet",
            {
                "image": [{"bytes": png(40 * part + i), "path": ""} for i in range(40)],
                "label": list(range(40)),
            },
            row_group_size=17,
        )
    monkeypatch.setattr(parquet_rows, "STRETCH_BYTES", 3 * len(png(0)))
    monkeypatch.setattr(parquet_rows, "KEPT_STRETCHES", 2)
    source = parquet(Place(), path=str(tmp_path))
    orders = [list(range(80)), list(reversed(range(80))), random.Random(0).sample(range(80), 80)]
    for order in orders:
        assert [bytes_of(source, i) for i in order] == [png(i) for i in order]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda i: bytes_of(source, i), orders[2] * 3)) == [png(i) for i in orders[2]] * 3


def test_memory_is_bounded_by_a_few_stretches(
    tmp_path: Path, write_parquet: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "a.parquet", {"image": [bytes([i]) * 1000 for i in range(100)]})
    monkeypatch.setattr(parquet_rows, "STRETCH_BYTES", 5000)
    column = parquet_rows.ImageColumn(str(tmp_path / "a.parquet"), "image")
    held = 0
    for i in range(100):
        assert column.read(i) == bytes([i]) * 1000
        held = max(held, sum(len(images) for images in column._kept.values()))
    assert 5 <= held <= 5 * parquet_rows.KEPT_STRETCHES


def test_splits_are_told_by_names(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    def rows(name: str, seed: int) -> Path:
        return write_parquet(tmp_path / name, {"image": [png(seed)], "label": [seed]})

    def labels(split: str | None, path: str = "") -> list[str | int | None]:
        source = parquet(Place(), path=str(tmp_path / path), split=split)
        return [source[i].target.label for i in range(len(source))]

    rows("data/train-00000-of-00001.parquet", 0)
    assert labels(None) == [0]
    rows("data/val-00000-of-00001-0a1b2c3d.parquet", 1)
    with pytest.raises(DataError, match="holds the splits train, val; name one as `split`"):
        labels(None)
    assert labels("val") == [1]
    rows("data/test-00001-of-00002.parquet", 3)
    with pytest.raises(DataError, match="has 1 of 2 shards, number 0 is missing"):
        labels("test")
    rows("data/test-00000-of-00002.parquet", 2)
    assert labels(None) == labels("test") == [2, 3]
    assert labels(None, "data/test-00001-of-00002.parquet") == [3]  # who names a shard gets the shard
    with pytest.raises(
        SourceMissing, match=r"no file of the split 'tset' in .*: add it; there is test, train, val"
    ):
        labels("tset")
    rows("other/test/0000.parquet", 4)
    with pytest.raises(DataError, match="holds the split 'test' in data, other/test; choose one"):
        labels("test")
    assert labels("test", "other") == labels(None, "other") == [4]


def test_files_may_be_listed(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    for i in range(3):
        write_parquet(tmp_path / f"{i}.parquet", {"image": [png(i)], "label": [i]})
    source = parquet(Place(roots=(tmp_path,)), path=["2.parquet", "0.parquet"])
    assert [source[i].id for i in range(2)] == ["2.parquet/0", "0.parquet/0"]
    assert [source[i].target.label for i in range(2)] == [2, 0]
    with pytest.raises(SourceMissing, match=r"no parquet file in .*3\.parquet: pass --data-root"):
        parquet(Place(roots=(tmp_path,)), path=["2.parquet", "3.parquet"])


def test_damage_is_named(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": [png(0), None, b"no image"], "label": [0, 1, 2]})
    source = parquet(Place(), path=str(tmp_path))
    with pytest.raises(DataError, match=r"a\.parquet: row 1 holds no image"):
        source[1].image()
    with pytest.raises(DataError, match=r"a\.parquet: row 2 is no image of a kind that is read"):
        source[2].image()
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"a\.parquet is no parquet file"):
        parquet(Place(), path=str(tmp_path))
    path.unlink()
    with pytest.raises(SourceMissing, match="no parquet file or folder of them in"):
        parquet(Place(), path=str(tmp_path))


EVERY_BYTE = """
import sys
from pathlib import Path
from vlbench.core.contracts import Place
from vlbench.core.errors import DataError
from vlbench.datasets.readers.parquet import parquet
path = Path(sys.argv[1])
whole = path.read_bytes()
footer = int.from_bytes(whole[-8:-4], "little")
refused = 0
for at in range(len(whole) - 8 - footer, len(whole)):
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    try:
        parquet(Place(), path=str(path))[0].image()
    except DataError as error:
        assert "\\n" not in str(error), error
        refused += 1
print(refused)
"""


@pytest.mark.slow
def test_no_byte_of_a_footer_ends_the_process(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    images = [{"bytes": png(number), "path": f"{number}.png"} for number in range(3)]
    columns = {"image": images, "label": [0, 1, 1], "captions": [["a"]] * 3}
    command = [sys.executable, "-c", EVERY_BYTE, write_parquet(tmp_path / "a.parquet", columns)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert int(ran.stdout) > 100


def test_what_no_sound_file_states_is_refused(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    path = write_parquet(tmp_path / "a.parquet", {"image": [{"bytes": "no bytes", "path": "a.png"}]})
    with pytest.raises(DataError, match=r"a\.parquet: no column holds images"):
        parquet(Place(), path=str(path))
    table = pa.table([pa.array([png(0)]), pa.array([0]), pa.array([1])], names=["image", "label", "label"])
    pq.write_table(table, path)
    with pytest.raises(DataError, match=r"a\.parquet is no parquet file, or damaged \(two of its columns"):
        parquet(Place(), path=str(path))
    table = table.select([0, 1]).replace_schema_metadata({"huggingface": "[" * 100_000})
    pq.write_table(table, path)
    with pytest.raises(DataError, match=r"a\.parquet: its metadata: not JSON \(it nests too deeply\)"):
        parquet(Place(), path=str(path))
    pq.write_table(pa.table({"image": pa.nulls(100_000, pa.binary())}), path)
    with pytest.raises(DataError, match=r"\(it states 100000 rows\)"):
        parquet(Place(), path=str(path))


def test_a_label_column_of_another_usual_name_is_read(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    write_parquet(tmp_path / "a.parquet", {"image": [png(0), png(1)], "labels": [1, 0], "target": [0, 0]})
    source = parquet(Place(), path=str(tmp_path))
    assert [source[i].target.label for i in range(2)] == [0, 0]
    assert source.reading.labels == "columns 'target' (int64)"
    assert source.reading.remarks == ("labels are of 'target'; 'labels' (int64) would fit too",)
    write_parquet(tmp_path / "a.parquet", {"image": [png(0), png(1)], "labels": [1, 0]})
    assert [parquet(Place(), path=str(tmp_path))[i].target.label for i in range(2)] == [1, 0]


def test_columns_that_are_not_known_are_told(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    write_parquet(tmp_path / "a.parquet", {"image": [png(0)], "quality": [0.5], "label": [1.0]})
    said = parquet(Place(), path=str(tmp_path)).reading.labels
    assert said.startswith(
        "no column that is known; beside image there are 'quality' (double), 'label' (double): rename"
    )


def test_blank_and_null_captions_are_counted(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    captions = [["a", " ", None], ["b"]]
    write_parquet(tmp_path / "a.parquet", {"image": [png(0), png(1)], "captions": captions})
    source = parquet(Place(), path=str(tmp_path))
    assert [source[i].target.captions for i in range(2)] == [("a",), ("b",)]
    assert [(each.count, each.why) for each in source.reading.left_out] == [(2, "blank captions")]


def test_files_that_do_not_agree_are_refused(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    def columns(label: str) -> dict[str, list[object]]:
        return {"image": [png(0)], label: [0]}

    write_parquet(tmp_path / "a.parquet", columns("label"), names={"label": ["cat", "dog"]})
    write_parquet(tmp_path / "b.parquet", columns("label"), names={"label": ["dog", "cat"]})
    with pytest.raises(DataError, match=r"b\.parquet: its class names differ from those of"):
        parquet(Place(), path=str(tmp_path))
    write_parquet(tmp_path / "b.parquet", columns("target"))
    with pytest.raises(DataError, match=r"b\.parquet is read by columns 'target' \(int64\)"):
        parquet(Place(), path=str(tmp_path))


def test_files_of_other_splits_are_counted(tmp_path: Path, png: Png, write_parquet: Write) -> None:
    for split in ("test", "train"):
        write_parquet(tmp_path / f"{split}.parquet", {"image": [png(0)], "label": [0]})
    (left_out,) = parquet(Place(), path=str(tmp_path)).reading.left_out
    assert (left_out.count, left_out.why) == (1, "parquet files of other splits")
