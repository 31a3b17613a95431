"""Data sets fetched from a hub on this machine, into a data root or the hub's cache, and read offline."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import COMMIT, HubServer

from vlbench.acquiring.get import Plan, fetch, plan_download
from vlbench.acquiring.record import read_record
from vlbench.cards.build import open_task
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.offline import stay_offline

NEEDED = [
    "classnames.txt",
    "test/0.tar",
    "test/1.tar",
    "test/nshards.txt",
    "zeroshot_classification_templates.txt",
]
Write = Callable[..., None]


def plan(*roots: Path, name: str = "colours", repo: str | None = None) -> Plan:
    return plan_download(name, read_catalogue(()), DataRequest(roots=roots), repo=repo)


def read_offline(*roots: Path, name: str = "colours") -> tuple[str, str, int]:
    with stay_offline():
        images = open_task(name, read_catalogue(()), request=DataRequest(roots=roots)).task.problem.images
    return images.name, images.revision, len(images)


def test_tars_go_where_the_local_source_reads_them(hub: HubServer, tmp_path: Path, write_card: Write) -> None:
    write_card()
    told: list[int] = []
    planned = plan(tmp_path / "data")
    assert ([each.file.name for each in planned.files], hub.fetched()) == (NEEDED, [])
    fetch(planned, told.append)
    assert hub.fetched() == NEEDED
    assert sum(told) == planned.bytes == planned.missing_bytes
    name, _, count = read_offline(tmp_path / "data")
    assert (name, count) == ("webdataset:colours", 6)
    record = read_record(tmp_path / "data" / "colours")
    assert record is not None
    assert (record.repo, record.commit) == ("org/wds_colours", COMMIT)
    assert [file.name for file in record.files] == NEEDED
    assert plan(tmp_path / "data").missing == ()


def test_a_killed_fetch_goes_on_with_the_file_it_was_at(
    hub: HubServer, tmp_path: Path, write_card: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card()
    monkeypatch.setattr("vlbench.acquiring.download.CHUNK", 1024)

    def killed(count: int) -> None:
        if count and hub.fetched()[-1:] == ["test/0.tar"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(plan(tmp_path), killed)
    hub.seen.clear()
    again = plan(tmp_path)
    assert [file.name for file in again.missing] == NEEDED[1:]
    fetch(again, lambda _: None)
    asked = [(path, within) for way, path, within in hub.seen if way == "GET" and "/resolve/" in path]
    assert asked[0] == (f"/datasets/org/wds_colours/resolve/{COMMIT}/test/0.tar", "bytes=1024-")
    assert read_offline(tmp_path)[2] == 6


def test_without_a_data_root_it_goes_into_the_hubs_cache(
    hub: HubServer, tmp_path: Path, write_card: Write
) -> None:
    write_card()
    fetch(plan(), lambda _: None)
    assert read_offline()[1:] == (COMMIT, 6)
    storage = tmp_path / "hub-cache" / "datasets--org--wds_colours"
    assert (storage / "refs" / "main").read_text() == COMMIT
    assert (storage / "snapshots" / COMMIT / "test" / "0.tar").is_symlink()
    assert plan().missing == ()


def test_parquet_of_other_columns_goes_into_the_hubs_cache(
    hub: HubServer, tmp_path: Path, write_card: Write
) -> None:
    hub.repositories["datasets/org/rows"] = {"data/test-00000-of-00001.parquet": b"PAR1 of a test"}
    local = "{kind: parquet, path: colours, split: test, columns: {image: picture}}"
    remote = f"{{kind: hub, repo: org/rows, revision: {COMMIT}, split: test}}"
    write_card(sources=f"[{local}, {remote}]")
    planned = plan(tmp_path / "data")
    assert str(planned.destination).startswith("the hub's cache")
    fetch(planned, lambda _: None)
    storage = tmp_path / "hub-cache" / "datasets--org--rows"
    assert not (storage / "refs").exists()  # a commit needs no name
    fetched = storage / "snapshots" / COMMIT / "data" / "test-00000-of-00001.parquet"
    assert fetched.read_bytes() == b"PAR1 of a test"


def test_a_users_own_file_is_not_written_over(hub: HubServer, tmp_path: Path, write_card: Write) -> None:
    write_card()
    own = tmp_path / "colours" / "classnames.txt"
    own.parent.mkdir()
    own.write_text("mine\n")
    with pytest.raises(DataError, match=r"classnames\.txt is not what org/wds_colours holds, and it was not"):
        fetch(plan(tmp_path), lambda _: None)
    assert own.read_text() == "mine\n"
    own.write_bytes(hub.repositories["datasets/org/wds_colours"]["classnames.txt"])
    fetch(plan(tmp_path), lambda _: None)
    assert hub.fetched() == NEEDED[1:]  # the same bytes need no fetching
    own.write_text("changed later\n")
    fetch(plan(tmp_path), lambda _: None)
    assert own.read_text() == "red\ngreen\nblue\n"


def test_altered_bytes_are_refused(hub: HubServer, tmp_path: Path, write_card: Write) -> None:
    write_card()
    hub.altered.add("test/1.tar")
    with pytest.raises(DataError, match=r"test/1\.tar: the bytes that came have the digest"):
        fetch(plan(tmp_path), lambda _: None)
    assert sorted(path.name for path in (tmp_path / "colours" / "test").iterdir()) == ["0.tar"]


def test_a_gated_repository_says_how_to_ask(
    hub: HubServer, tmp_path: Path, write_card: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card()
    hub.gated.add("datasets/org/wds_colours")
    ask = f"org/wds_colours is gated: ask for access at {hub.url}/datasets/org/wds_colours, then `hf auth"
    with pytest.raises(DataError) as without_token:
        plan(tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with pytest.raises(DataError) as not_granted:
        fetch(plan(tmp_path), lambda _: None)
    for refused in (without_token, not_granted):
        assert str(refused.value).startswith(ask)
    monkeypatch.setenv("HF_TOKEN", hub.granted)
    fetch(plan(tmp_path), lambda _: None)
    assert read_offline(tmp_path)[2] == 6


def test_offline_nothing_is_asked(
    hub: HubServer, tmp_path: Path, write_card: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="is not fetched: HF_HUB_OFFLINE is set"):
        plan(tmp_path)
    assert hub.seen == []


def test_what_cannot_be_fetched_is_said(hub: HubServer, tmp_path: Path, write_card: Write) -> None:
    write_card()
    with pytest.raises(DataError, match="its card names org/wds_colours, not other/one"):
        plan(repo="other/one")
    hub.repositories.clear()
    with pytest.raises(DataError, match=r"org/wds_colours is not there, or not for you \(HTTP 404\)"):
        plan()
    write_card("local", sources="[{kind: folder, path: colours/val}]")
    with pytest.raises(DataError, match="its card names no repository of the hub"):
        plan(name="local")
    write_card("scripted", sources="[{kind: hub, repo: org/zips, layout: datasets}]")
    with pytest.raises(Unsupported, match="converted by `datasets` when the task is first run"):
        plan(name="scripted")


def test_a_full_disk_is_noticed_before(
    hub: HubServer, tmp_path: Path, write_card: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card()
    planned = plan(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(DataError, match=r"bytes do not fit into .* \(100 are free\)"):
        fetch(planned, lambda _: None)
    assert hub.fetched() == []
