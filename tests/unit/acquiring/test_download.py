"""One file of a server: resumed, verified, never left half-way under its own name."""

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import COMMIT, HubServer, hub_server

from vlbench.acquiring import download as module
from vlbench.acquiring.download import Refused, RemoteFile, download, partial_path
from vlbench.core.errors import DataError

DATA = bytes(range(256)) * 512
FILE = RemoteFile("test/0.tar", len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server() as record:
        record.repositories["datasets/o/n"] = {FILE.name: DATA}
        yield record


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 4096)


def fetch(
    server: HubServer,
    to: Path,
    file: RemoteFile = FILE,
    sleep: Callable[[float], object] = lambda _: None,
) -> list[int]:
    told: list[int] = []
    url = f"{server.url}/datasets/o/n/resolve/{COMMIT}/{file.name}"
    download(file, url, to, headers={}, report=told.append, sleep=sleep)
    return told


def ranges(server: HubServer) -> list[str | None]:
    return [asked for _, _, asked in server.seen]


def test_a_connection_that_breaks_off_goes_on_where_it_stopped(server: HubServer, tmp_path: Path) -> None:
    server.cut[FILE.name] = 10_000
    told = fetch(server, tmp_path / "0.tar")
    assert (tmp_path / "0.tar").read_bytes() == DATA
    assert ranges(server) == [None, "bytes=10000-"]
    assert sum(told) == len(DATA)


def test_what_a_killed_process_left_is_kept(server: HubServer, tmp_path: Path) -> None:
    to = tmp_path / "0.tar"
    partial_path(FILE, to).write_bytes(DATA[:70_000])
    told = fetch(server, to)
    assert ranges(server) == ["bytes=70000-"]
    assert (told[0], sum(told)) == (70_000, len(DATA))
    assert [path.name for path in tmp_path.iterdir()] == ["0.tar"]
    assert to.read_bytes() == DATA


def test_bytes_of_another_digest_are_removed(server: HubServer, tmp_path: Path) -> None:
    server.altered.add(FILE.name)
    with pytest.raises(DataError, match=r"where [0-9a-f]{64} is stated; they are removed, run this again"):
        fetch(server, tmp_path / "0.tar")
    assert list(tmp_path.iterdir()) == []


def test_a_small_file_is_held_against_gits_id(server: HubServer, tmp_path: Path) -> None:
    small = RemoteFile("names.txt", 4, blob_id=hashlib.sha1(b"blob 4\0cat\n").hexdigest())
    server.repositories["datasets/o/n"] = {small.name: b"cat\n"}
    fetch(server, tmp_path / "names.txt", small)
    server.altered.add(small.name)
    with pytest.raises(DataError, match="is stated"):
        fetch(server, tmp_path / "other.txt", small)


def test_a_server_without_ranges_sends_it_anew(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_opened", opened_from_the_start(module._opened))
    partial_path(FILE, tmp_path / "0.tar").write_bytes(DATA[:500])
    told = fetch(server, tmp_path / "0.tar")
    assert told[:2] == [500, -500]
    assert (tmp_path / "0.tar").read_bytes() == DATA


def opened_from_the_start(opened):  # type: ignore[no-untyped-def]
    return lambda address, headers, _: opened(address, headers, 0)


def test_a_lost_connection_is_told_and_what_came_is_kept(server: HubServer, tmp_path: Path) -> None:
    to = tmp_path / "0.tar"
    partial_path(FILE, to).write_bytes(DATA[:300])
    server.cut = Always()
    with pytest.raises(DataError, match=r"after 300 of 131,072 bytes; run this again later"):
        fetch(server, to)
    assert len(server.seen) == module.TRIES
    assert partial_path(FILE, to).stat().st_size == 300


class Always(dict[str, int]):
    """Every answer breaks off after some bytes."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def pop(self, name: str, default: int = 0) -> int:  # type: ignore[override]
        return self.count


def test_a_refusal_is_not_tried_again(server: HubServer, tmp_path: Path) -> None:
    server.gated.add("datasets/o/n")
    with pytest.raises(Refused) as refused:
        fetch(server, tmp_path / "0.tar")
    assert (refused.value.status, refused.value.code, len(server.seen)) == (401, "GatedRepo", 1)


def test_a_server_that_gives_a_little_each_time_is_waited_for_and_given_up(
    server: HubServer, tmp_path: Path
) -> None:
    server.cut = Always(10)
    waits: list[float] = []
    with pytest.raises(DataError, match=r"ended early, after 50 of 131,072 bytes; run this again later"):
        fetch(server, tmp_path / "0.tar", sleep=waits.append)
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_one_that_gives_much_each_time_is_waited_for_and_goes_on(server: HubServer, tmp_path: Path) -> None:
    server.cut = Always(module.LEAST)
    waits: list[float] = []
    fetch(server, tmp_path / "0.tar", sleep=waits.append)
    assert (tmp_path / "0.tar").read_bytes() == DATA
    assert waits == [1.0] * (len(DATA) // module.LEAST - 1)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["head", "body"])
def test_a_slow_drip_is_given_up(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    monkeypatch.setattr(module, "TRIES", 2)
    server.drip = {part: 0.01}
    start = time.monotonic()
    with pytest.raises(DataError, match=r"fewer than 16,384 bytes came in 0\.2 s, after \d+ of 131,072 b"):
        fetch(server, tmp_path / "0.tar")
    assert time.monotonic() - start < 3


def test_a_file_that_another_process_fetches_is_left_to_it(server: HubServer, tmp_path: Path) -> None:
    to = tmp_path / "0.tar"
    with partial_path(FILE, to).open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another process fetches this file; run this again when it is"):
            fetch(server, to)
    assert server.seen == []
    fetch(server, to)
    assert to.read_bytes() == DATA


def test_what_was_left_of_other_contents_is_removed(server: HubServer, tmp_path: Path) -> None:
    to = tmp_path / "0.tar"
    partial_path(replace(FILE, sha256="0" * 64), to).write_bytes(b"half")
    fetch(server, to)
    assert [path.name for path in tmp_path.iterdir()] == ["0.tar"]


def test_a_full_disk_names_the_file_and_keeps_what_came(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(transfer: module._Transfer, data: bytes) -> None:
        if transfer.have >= 8192:
            raise module._DiskError(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        append(transfer, data)

    append = module._Transfer.append
    to = tmp_path / "0.tar"
    with monkeypatch.context() as patch:
        patch.setattr(module._Transfer, "append", full)
        with pytest.raises(OSError, match="No space left") as raised:
            fetch(server, to)
    assert raised.value.filename == str(partial_path(FILE, to))
    assert partial_path(FILE, to).stat().st_size >= 8192
    fetch(server, to)
    assert to.read_bytes() == DATA


def test_an_address_is_shown_without_its_secrets(server: HubServer, tmp_path: Path) -> None:
    url = (
        f"{server.url.replace('//', '//me:pa55word@')}/datasets/o/n/resolve/{COMMIT}/test/0.tar?key=pa55word"
    )
    server.cut = Always()
    with pytest.raises(DataError) as raised:
        download(FILE, url, tmp_path / "0.tar", headers={}, report=lambda _: None, sleep=lambda _: None)
    assert "pa55word" not in str(raised.value)
    assert server.authorization[0] == "Basic bWU6cGE1NXdvcmQ="
    with pytest.raises(DataError, match=r"'\*\*\*@host/f' is no http address; correct HF_ENDPOINT"):
        download(FILE, "hub//me:pa55word@host/f", tmp_path / "0.tar", headers={}, report=lambda _: None)
