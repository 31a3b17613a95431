import os
import re
import sys
from pathlib import Path

import pytest

from vlbench.core.errors import DataError
from vlbench.core.files import (
    file_name,
    file_state,
    read_checked,
    remembered,
    remembered_sha256,
    write_atomically,
    write_checked,
)
from vlbench.core.outside_name import plain_name


def test_a_file_is_written_whole_in_folders_made_for_it(tmp_path):
    path = tmp_path / "a" / "b" / "f.txt"
    write_atomically(path, "é")
    assert path.read_bytes() == "é".encode()
    write_atomically(path, b"\x00")
    assert path.read_bytes() == b"\x00"
    assert [p.name for p in path.parent.iterdir()] == ["f.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "f.txt"
    path.write_text("old")

    def fail(handle):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name",
    [
        *("clip-b32", "open_clip:ViT-B-32/openai", "a%2Fb", "a/b", "tête", "recall@5", "x" * 60),
        *("..", ".", "...", ".hidden", "a.", "a ", " ", "con", "NUL.x", "a\u2028b", "a\nb", "\0", "a\\b"),
    ],
)
def test_a_name_is_one_path_part_and_keeps_names_apart(name):
    from urllib.parse import unquote

    assert Path(file_name(name)).parts == (file_name(name),)
    assert unquote(file_name(name)) == name
    assert plain_name(file_name(name), "") == file_name(name)


def test_long_names_are_cut_and_stay_apart():
    names = ["x" * 300, "x" * 301, "日" * 90, "日" * 91, f"..{'.' * 300}", "x" * 224, "x" * 225]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(plain_name(file, "") and len(f"{file}.partial.predictions.parquet") < 255 for file in files)
    assert "x" * 224 in files


def test_a_value_is_computed_once_for_a_key(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return "value"

    assert [remembered("key", tmp_path, compute) for _ in range(3)] == ["value"] * 3
    assert len(calls) == 1
    remembered("other key", tmp_path, compute)
    assert len(calls) == 2


def test_without_a_cache_a_value_is_computed_every_time():
    values = iter("ab")
    assert [remembered("key", None, lambda: next(values)) for _ in range(2)] == ["a", "b"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": "key"}', '{"key": "other", "value": "wrong"}'])
def test_a_damaged_memory_is_computed_anew(tmp_path, damage):
    remembered("key", tmp_path, lambda: "first")
    (entry,) = (tmp_path / "remembered").iterdir()
    entry.write_text(damage)
    assert remembered("key", tmp_path, lambda: "second") == "second"
    assert remembered("key", tmp_path, lambda: "third") == "second"


def test_a_remembered_digest_follows_size_and_time(tmp_path):
    path, cache = tmp_path / "weights", tmp_path / "cache"
    path.write_bytes(b"abc")
    os.utime(path, ns=(1, 1))
    first = remembered_sha256(path, cache)
    assert re.fullmatch("[0-9a-f]{64}", first)
    path.write_bytes(b"abd")
    os.utime(path, ns=(2, 2))
    assert remembered_sha256(path, cache) != first
    path.write_bytes(b"abc")
    os.utime(path, ns=(3, 3))
    assert remembered_sha256(path, cache) == first


def test_a_rewrite_at_equal_size_and_times_is_seen(tmp_path):
    path, cache = tmp_path / "weights", tmp_path / "cache"
    path.write_bytes(b"abc")
    os.utime(path, ns=(1, 1))
    first = remembered_sha256(path, cache)
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))
    assert remembered_sha256(path, cache) != first
    copy = tmp_path / "copy"
    copy.write_bytes(b"abe")
    os.utime(copy, ns=(1, 1))
    second = file_state(path)
    copy.replace(path)
    assert file_state(path) != second


def test_the_state_of_a_file_is_found_through_links(tmp_path):
    path, link = tmp_path / "f", tmp_path / "link"
    path.write_bytes(b"abc")
    link.symlink_to(path)
    assert file_state(link) == file_state(path)
    assert "|3|" in file_state(path)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "f.json").mkdir()
    with pytest.raises(DataError, match=r"f\.json: a folder lies where a file belongs; move or delete it"):
        write_atomically(tmp_path / "f.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["f.json"]


def test_a_checked_file_is_read_back_whole(tmp_path):
    for content in (b"", b"\n", b"a\nb", bytes(range(256))):
        write_checked(tmp_path / "f", content)
        assert read_checked(tmp_path / "f") == content
    assert read_checked(tmp_path / "none") is None


def test_no_bit_of_a_checked_file_can_change_unseen(tmp_path):
    path = tmp_path / "f"
    write_checked(path, '{"value": 0.863105}')
    data = path.read_bytes()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert read_checked(path) is None, bit
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert read_checked(path) is None, length
    path.write_bytes(data + b"\0")
    assert read_checked(path) is None


def test_a_checked_file_says_nothing_in_another_place(tmp_path):
    write_checked(tmp_path / "a" / "f", "content")
    for other in (tmp_path / "a" / "g", tmp_path / "b" / "f"):
        other.parent.mkdir(exist_ok=True)
        other.write_bytes((tmp_path / "a" / "f").read_bytes())
        assert read_checked(other) is None


def test_a_flipped_bit_of_a_remembered_digest_is_computed_anew(tmp_path):
    remembered("key", tmp_path, lambda: "0" * 64)
    (entry,) = (tmp_path / "remembered").iterdir()
    entry.write_bytes(entry.read_bytes().replace(b"0000", b"0001", 1))
    assert remembered("key", tmp_path, lambda: "1" * 64) == "1" * 64


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8 need a Linux disk")
def test_the_state_of_a_file_whose_name_is_no_text_is_text(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9")
    path.touch()
    assert f"{tmp_path}/caf\\xe9|0|" in file_state(path)
    assert remembered_sha256(path, tmp_path / "cache").startswith("e3b0c442")
