"""One file of a server: resumed, verified, never left half-way under its own name."""

import hashlib
from collections.abc import Iterator
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


def fetch(server: HubServer, to: Path, file: RemoteFile = FILE) -> list[int]:
    told: list[int] = []
    url = f"{server.url}/datasets/o/n/resolve/{COMMIT}/{file.name}"
    download(file, url, to, headers={}, report=told.append, sleep=lambda _: None)
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
    return lambda request, start: opened(request, 0)


def test_a_lost_connection_is_told_and_what_came_is_kept(server: HubServer, tmp_path: Path) -> None:
    to = tmp_path / "0.tar"
    partial_path(FILE, to).write_bytes(DATA[:300])
    server.cut = Always()
    with pytest.raises(DataError, match=r"after 300 of 131,072 bytes; run this again later"):
        fetch(server, to)
    assert len(server.seen) == module.TRIES
    assert partial_path(FILE, to).stat().st_size == 300


class Always(dict[str, int]):
    """Every answer breaks off at once."""

    def pop(self, name: str, default: int = 0) -> int:  # type: ignore[override]
        return 0


def test_a_refusal_is_not_tried_again(server: HubServer, tmp_path: Path) -> None:
    server.gated.add("datasets/o/n")
    with pytest.raises(Refused) as refused:
        fetch(server, tmp_path / "0.tar")
    assert (refused.value.status, refused.value.code, len(server.seen)) == (401, "GatedRepo", 1)


def test_a_token_goes_to_no_other_host() -> None:
    from email.message import Message
    from urllib.request import Request

    request = Request(
        "https://hub.example/a", headers={"Authorization": "Bearer secret", "Range": "bytes=5-"}
    )
    follow = module._Redirects().redirect_request
    for address, token in (("https://store.example/a", None), ("https://hub.example/b", "Bearer secret")):
        following = follow(request, None, 302, "Found", Message(), address)
        assert following is not None
        assert following.get_header("Authorization") == token
        assert following.get_header("Range") == "bytes=5-"
