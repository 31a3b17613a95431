"""Tars of samples: members, shards, and the remembered index."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL.Image import Image

from vlbench.core.contracts import Dataset, Place, Target, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.core.files import file_state
from vlbench.core.label_index import LabelIndex
from vlbench.datasets.readers import tar_index
from vlbench.datasets.readers.webdataset import webdataset

Png = Callable[[int], bytes]
WriteTar = Callable[[Path, Mapping[str, bytes]], Path]


def npy(values: list[float]) -> bytes:
    data = io.BytesIO()
    np.save(data, np.array(values))
    return data.getvalue()


def said(source: Dataset) -> list[object]:
    return [
        (one.id, cast("partial[Image]", one.image).args, one.target, one.state) for one in source.examples
    ]


@pytest.fixture
def repository(tmp_path: Path, png: Png, write_tar: WriteTar) -> Path:
    """The layout of a `wds_*` repository: eleven tars of two samples; sample s has class s % 3."""
    root = tmp_path / "wds"
    for shard in range(11):
        members: dict[str, bytes] = {}
        for s in (2 * shard, 2 * shard + 1):
            members |= {f"s{s:07d}.cls": str(s % 3).encode(), f"s{s:07d}.png": png(s)}
        write_tar(root / "test" / f"{shard}.tar", members)
    (root / "test" / "nshards.txt").write_text("11\n")
    (root / "classnames.txt").write_text("near\n\nfar_off\n")
    (root / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\n")
    return root


def test_names_that_repeat_are_told_apart_by_their_index(repository: Path) -> None:
    (repository / "classnames.txt").write_text("missile\nfar_off\nmissile\n")
    names = webdataset(Place(roots=(repository.parent,)), path="wds").offers.names
    assert names == (
        Text("missile", ids={"index": "0"}),
        Text("far_off"),
        Text("missile", ids={"index": "2"}),
    )
    assert LabelIndex.of(names, "own").position(2, lambda: "image") == 2


def test_the_layout_of_the_hub_is_read(repository: Path, png: Png) -> None:
    source = webdataset(Place(roots=(repository.parent,)), path="wds")
    assert len(source) == 22
    assert [source[i].id for i in (0, 5, 21)] == [
        "test/0.tar/s0000000",
        "test/2.tar/s0000005",
        "test/10.tar/s0000021",
    ]
    assert [source[i].target for i in (0, 5, 21)] == [Target(label=0), Target(label=2), Target(label=0)]
    assert source.offers.names == (Text("near"), Text(""), Text("far_off"))  # as published, line by index
    assert source.offers.templates == ("a photo of a {}.",)
    assert source[5].state == f"{file_state(repository / 'test' / '2.tar')}#s0000005.png"
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda i: source[i].image().size, range(22)))
    assert sizes == [(12 + i % 5, 10) for i in range(22)]


def test_the_folder_of_the_tars_finds_the_names_above_it(repository: Path) -> None:
    source = webdataset(Place(), path=str(repository / "test"))
    assert len(source.offers.names) == 3
    assert source[21].id == "10.tar/s0000021"


def test_members_say_labels_captions_and_tags(tmp_path: Path, png: Png, write_tar: WriteTar) -> None:
    write_tar(
        tmp_path / "0.tar",
        {
            "./a/x.txt": b"a dog\n\n a cat \r\n",
            "./a/x.jpg": png(0),
            "./b/x.WEBP": png(1),
            "./b/x.npy": npy([0, 1, -1, 1]),
            "y.seg.png": b"left alone",
            "y.json": json.dumps({"caption": "one", "tags": ["t"], "label": "l", "url": 1}).encode(),
            "y.jpeg": png(2),
            "._z.jpg": b"a resource fork",
        },
    )
    source = webdataset(Place(), path=str(tmp_path))
    assert [(source[i].id, source[i].target) for i in range(len(source))] == [
        ("0.tar/a/x", Target(captions=("a dog", "a cat"))),
        ("0.tar/b/x", Target(tags=(1, 3))),
        ("0.tar/y", Target(label="l", captions=("one",), tags=("t",))),
    ]
    assert source[1].image().size == (13, 10)
    assert source.offers.names == ()


def test_a_group_is_remembered_with_the_index(tmp_path: Path, png: Png, write_tar: WriteTar) -> None:
    """The second run reads the index: a worst group has to be there still."""
    said = {"x.png": png(0), "x.cls": b"3", "x.json": b'{"group": "Africa"}'}
    write_tar(tmp_path / "data" / "0.tar", said)
    place = Place(cache=tmp_path / "cache")
    for _ in range(2):
        assert webdataset(place, path=str(tmp_path / "data"))[0].target == Target(label=3, group="Africa")


def test_unknown_and_negative_tags_are_remembered_with_the_index(
    tmp_path: Path, png: Png, write_tar: WriteTar
) -> None:
    said = {"x.png": png(0), "x.json": b'{"tags": ["a"], "unknown_tags": ["b"], "negative_tags": [2]}'}
    write_tar(tmp_path / "data" / "0.tar", said)
    place = Place(cache=tmp_path / "cache")
    for _ in range(2):
        target = webdataset(place, path=str(tmp_path / "data"))[0].target
        assert target == Target(tags=("a",), unknown=("b",), negatives=(2,))


def test_an_index_is_remembered_verified_and_made_anew(
    repository: Path, tmp_path: Path, png: Png, write_tar: WriteTar, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = tar_index._read_index
    monkeypatch.setattr(tar_index, "_read_index", lambda file: read.append(file.name) or real(file))
    place = Place(cache=tmp_path / "cache")
    fresh = webdataset(place, path=str(repository))
    assert len(read) == 11
    stored = webdataset(place, path=str(repository))
    assert (len(read), said(stored)) == (11, said(fresh))
    entry = next(
        each for each in (tmp_path / "cache").rglob("*.json") if '/s0000003"' not in each.read_text()
    )
    entry.write_text(entry.read_text().replace("png", "jpg", 1))
    assert (said(webdataset(place, path=str(repository))), len(read)) == (said(fresh), 12)
    write_tar(repository / "test" / "3.tar", {"new.png": png(50)})
    assert len(webdataset(place, path=str(repository))) == 21
    assert read[12:] == ["test/3.tar"]


def test_splits_and_shards_are_checked(repository: Path, png: Png, write_tar: WriteTar) -> None:
    write_tar(repository / "train" / "0.tar", {"a.png": png(0)})
    assert len(webdataset(Place(), path=str(repository))) == 22
    assert len(webdataset(Place(), path=str(repository), split="train")) == 1
    with pytest.raises(SourceMissing, match=r"no tar of the split 'val' in .*: add it; there is test, train"):
        webdataset(Place(), path=str(repository), split="val")
    (repository / "test").rename(repository / "validation")
    with pytest.raises(DataError, match="holds the splits train, validation; name one"):
        webdataset(Place(), path=str(repository))
    (repository / "validation" / "7.tar").unlink()
    with pytest.raises(DataError, match="counts 11 tars and 10 lie there"):
        webdataset(Place(), path=str(repository), split="validation")
    with pytest.raises(SourceMissing, match="no folder with tars in"):
        webdataset(Place(), path=str(repository / "nowhere"))


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"a.txt": b"a caption"}, "key a has no image; pack one image for each key"),
        ({"a.jpg": b"", "a.png": b""}, "key a has 2 images"),
        ({"a.jpg": b"", "a.cls": b"cat"}, "a.cls is no cls annotation"),
        ({"a.jpg": b"", "a.json": b"{"}, "a.json is no json annotation"),
        ({"a.jpg": b"", "a.npy": b"?"}, "a.npy is no npy annotation"),
        ({"a.jpg": b"", "a.txt": b"\xff"}, "a.txt is no txt annotation"),
        ({"a.jpg": b"", "a.json": b'{"tags": 1}'}, "key a: tags 1 are no list"),
        ({}, "has no sample"),
    ],
)
def test_a_wrong_sample_is_named(
    tmp_path: Path, write_tar: WriteTar, members: Mapping[str, bytes], problem: str
) -> None:
    write_tar(tmp_path / "0.tar", members)
    with pytest.raises(DataError, match=problem):
        webdataset(Place(), path=str(tmp_path))


@pytest.mark.parametrize("kept", [0, 300, 512, 700, 1024, 1300, 1536])
def test_a_tar_that_is_cut_short_is_refused(tmp_path: Path, png: Png, write_tar: WriteTar, kept: int) -> None:
    # headers at 0, 1024, 2048; contents, padded to 512 bytes, behind each
    path = write_tar(tmp_path / "0.tar", {f"{i}.png": png(i)[:400] for i in range(3)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"0\.tar is (no plain tar, or damaged|cut short)"):
        webdataset(Place(), path=str(tmp_path))


def test_compressed_tars_and_links_are_refused(tmp_path: Path, png: Png, write_tar: WriteTar) -> None:
    path = write_tar(tmp_path / "0.tar", {"a.png": png(0)})
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match=r"0\.tar is no plain tar"):
        webdataset(Place(), path=str(tmp_path))
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("b.png")
        link.type, link.linkname = tarfile.SYMTYPE, "a.png"
        tar.addfile(link)
    with pytest.raises(DataError, match=r"b\.png is a link, a device or a file with holes"):
        webdataset(Place(), path=str(tmp_path))


def test_a_member_name_that_is_not_utf8_is_refused(tmp_path: Path, write_tar: WriteTar) -> None:
    path = write_tar(tmp_path / "0.tar", {"a.png": b"?"})
    with tarfile.open(path, "w", encoding="latin-1", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("\xff.png"))
    with pytest.raises(DataError, match=r"0\.tar is no plain tar, or damaged \(.*can't decode"):
        webdataset(Place(), path=str(tmp_path))


def tar_of(path: Path, pax: Mapping[str, str], size: bytes = b"") -> None:
    """A tar of one image whose header states other numbers than its own."""
    member = tarfile.TarInfo("a.png")
    member.size, member.pax_headers = 3, dict(pax)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member, io.BytesIO(b"abc"))
    if size:
        data = bytearray(path.read_bytes())
        data[124 : 124 + len(size)] = size
        data[148:156] = b" " * 8
        data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("pax", "size"),
    [
        ({"size": "-512"}, b""),
        ({"size": "x" * 9}, b""),
        ({"size": "9" * 30}, b""),
        ({"GNU.sparse.map": "0,1,x", "GNU.sparse.size": "3"}, b""),
        ({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "y"}, b""),
        ({"GNU.sparse.size": "3", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,3"}, b""),
        ({}, b"\xff" * 12),  # minus one
        ({}, b"\xff" * 10 + b"\xfe\0"),  # minus 512: the next header would be this one again
        ({}, b"\x80" + b"\0" * 3 + b"\xff" * 8),
        ({}, b"\x80" + b"\xff" * 11),
        ({}, b"8999999999x"),
    ],
)
def test_header_numbers_that_are_none_are_refused_in_a_line(
    tmp_path: Path, pax: Mapping[str, str], size: bytes
) -> None:
    tar_of(tmp_path / "0.tar", pax, size)
    with pytest.raises(DataError, match=r"0\.tar") as caught:
        webdataset(Place(), path=str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    ["[" * 100_000, '{"a": "\\ud800"}', '{"a": ["\\u0000"]}', '{"a": 1, "a": 2}', "9" * 5000],
)
def test_json_that_is_none_is_refused_with_its_member(tmp_path: Path, write_tar: WriteTar, said: str) -> None:
    write_tar(tmp_path / "0.tar", {"a.png": b"?", "a.json": said.encode()})
    with pytest.raises(DataError, match=r"0\.tar: a\.json is no json annotation \(not JSON"):
        webdataset(Place(), path=str(tmp_path))


def test_a_pickled_row_of_marks_is_not_unpickled(tmp_path: Path, write_tar: WriteTar) -> None:
    data = io.BytesIO()
    np.save(data, np.array([{}], dtype=object), allow_pickle=True)
    write_tar(tmp_path / "0.tar", {"a.png": b"?", "a.npy": data.getvalue()})
    with pytest.raises(DataError, match=r"a\.npy is no npy annotation \(Object arrays cannot be loaded"):
        webdataset(Place(), path=str(tmp_path))


def test_a_template_needs_one_place(repository: Path) -> None:
    (repository / "zeroshot_classification_templates.txt").write_text("a {c}.\na photo.\n")
    with pytest.raises(DataError, match=r"templates\.txt:2: template 'a photo\.' needs one \{\}"):
        webdataset(Place(), path=str(repository))
