import os
import re
from pathlib import Path

import pytest

from vlbench.core.files import file_name, file_state, remembered, remembered_sha256, write_atomically


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
    "name", ["clip-b32", "open_clip:ViT-B-32/openai", "a%2Fb", "a/b", "tête", "recall@5", "x" * 60]
)
def test_a_name_is_one_path_part_and_keeps_names_apart(name):
    from urllib.parse import unquote

    assert Path(file_name(name)).parts == (file_name(name),)
    assert unquote(file_name(name)) == name


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


def test_the_state_of_a_file_is_found_through_links(tmp_path):
    path, link = tmp_path / "f", tmp_path / "link"
    path.write_bytes(b"abc")
    link.symlink_to(path)
    assert file_state(link) == file_state(path)
    assert "|3|" in file_state(path)
