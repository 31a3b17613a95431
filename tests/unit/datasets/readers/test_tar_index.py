"""No image of a tar is lost without a word, and annotations that contradict are refused."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from vlbench.core.contracts import Dataset, Place, Target
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.readers.webdataset import webdataset

Open = Callable[[Mapping[str, bytes]], Dataset]


@pytest.fixture
def opened(tmp_path: Path, write_tar: Callable[[Path, Mapping[str, bytes]], Path]) -> Open:
    """A tar of some members, read twice: from the tar, and from the remembered index."""

    def opened(members: Mapping[str, bytes]) -> Dataset:
        write_tar(tmp_path / "w" / "test" / "0.tar", members)
        place = Place(cache=tmp_path / "cache")
        first = webdataset(place, path=str(tmp_path / "w"))
        again = webdataset(place, path=str(tmp_path / "w"))
        assert first.reading == again.reading
        assert [(one.id, one.target, one.state) for one in first.examples] == [
            (one.id, one.target, one.state) for one in again.examples
        ]
        return first

    return opened


def left_out(source: Dataset) -> dict[str, tuple[int, str]]:
    return {each.why: (each.count, each.first) for each in source.reading.left_out}


def npy(values: list[float]) -> bytes:
    data = io.BytesIO()
    np.save(data, np.array(values))
    return data.getvalue()


def test_a_sample_with_dots_in_its_key_is_read(opened: Open, png: Callable[[int], bytes]) -> None:
    source = opened(
        {
            "s0.png": png(0),
            "s0.cls": b"0",
            "photo 1.1 v.png": png(1),
            "photo 1.1 v.cls": b"1",
            "a.b/22.05.PNG": png(2),
            "a.b/22.05.CLS": b"2",
        }
    )
    assert [source[i].id for i in range(3)] == [
        "test/0.tar/s0",
        "test/0.tar/photo 1.1 v",
        "test/0.tar/a.b/22.05",
    ]
    assert [source[i].target for i in range(3)] == [Target(label=i) for i in range(3)]
    assert source.reading.left_out == ()


def test_an_image_without_annotation_and_with_dots_is_no_part_of_nothing(
    opened: Open, png: Callable[[int], bytes]
) -> None:
    assert len(opened({"photo 1.1 v.png": png(0), "photo 1.2 v.png": png(1)})) == 2


def test_further_parts_of_a_sample_and_other_members_are_counted(
    opened: Open, png: Callable[[int], bytes]
) -> None:
    source = opened(
        {
            "s0.png": png(0),
            "s0.cls": b"0",
            "s0.mask.png": png(1),
            "s0.meta.json": b"{}",
            "s1.heic": b"x",
            "README": b"x",
            "s2.png": png(2),
            "s2.cls": b"1",
            "s2.json": b"[1]",
        }
    )
    assert len(source) == 2
    assert left_out(source) == {
        "members that are neither image nor annotation": (2, "s1.heic"),
        "JSON members that hold no object": (1, left_out(source)["JSON members that hold no object"][1]),
        "members that are further parts of a sample": (2, "s0.mask"),
    }


def test_blank_captions_of_a_text_are_counted(opened: Open, png: Callable[[int], bytes]) -> None:
    source = opened({"a.png": png(0), "a.txt": b"one\n \ntwo\n\n", "b.png": png(1), "b.txt": b" \n"})
    assert [source[i].target.captions for i in range(2)] == [("one", "two"), ()]
    assert left_out(source)["blank captions"][0] == 2


def test_annotations_that_contradict_are_refused(opened: Open, png: Callable[[int], bytes]) -> None:
    with pytest.raises(DataError, match=r"a\.json: label 4 contradicts 3 beside it"):
        opened({"a.png": png(0), "a.cls": b"3", "a.json": json.dumps({"label": 4}).encode()})


def test_a_null_in_json_says_nothing(opened: Open, png: Callable[[int], bytes]) -> None:
    record = json.dumps({"label": None, "caption": None}).encode()
    source = opened({"a.png": png(0), "a.cls": b"3", "a.txt": b"one", "a.json": record})
    assert source[0].target == Target(label=3, captions=("one",))


def test_captions_of_json_beside_a_text_are_counted_where_they_differ(
    opened: Open, png: Callable[[int], bytes]
) -> None:
    same, other = (json.dumps({"caption": each}).encode() for each in ("one", "else"))
    source = opened(
        {"a.json": same, "a.png": png(0), "a.txt": b"one", "b.png": png(1), "b.txt": b"one", "b.json": other}
    )
    assert [source[i].target.captions for i in range(2)] == [("one",), ("one",)]
    assert left_out(source)["captions of a .json beside those of a .txt"][0] == 1


def test_a_row_of_marks_is_as_long_as_the_tags(
    opened: Open, png: Callable[[int], bytes], tmp_path: Path
) -> None:
    members = {"a.png": png(0), "a.npy": npy([0, 1, 0]), "b.png": png(1), "b.npy": npy([1, 0, 1])}
    assert [opened(members)[i].target.tags for i in range(2)] == [(1,), (0, 2)]
    (tmp_path / "w" / "classnames.txt").write_text("a cat\na dog\n")
    with pytest.raises(DataError, match=r"the \.npy of a marks 3 tags, of 2"):
        opened(members)
    with pytest.raises(DataError, match="other values than 0, 1 and -1"):
        opened({"a.png": png(0), "a.npy": npy([3, 5])})  # indices


def test_a_compressed_tar_is_told(tmp_path: Path, png: Callable[[int], bytes], opened: Open) -> None:
    packed = tmp_path / "z" / "test" / "0.tar.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(b"\x1f\x8b")
    with pytest.raises(SourceMissing, match=r"0\.tar\.gz is compressed\): unpack it \(gunzip\)"):
        webdataset(Place(), path=str(tmp_path / "z"))
    beside = tmp_path / "w" / "test" / "1.tgz"
    beside.parent.mkdir(parents=True)
    beside.write_bytes(b"\x1f\x8b")
    with pytest.raises(DataError, match=r"1\.tgz is compressed beside plain tars"):
        opened({"a.png": png(0)})
