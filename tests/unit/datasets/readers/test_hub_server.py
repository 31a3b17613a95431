"""Data sets of a server that speaks the hub's file layout, through the hub's own client."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hub_server import COMMIT, HubServer, hub_server, use_hub

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import DataError, SourceMissing
from vlbench.datasets.readers import hub_answer
from vlbench.datasets.readers.hub import hub
from vlbench.datasets.readers.hub_snapshot import reason

REPO = "organisation/wds_pictures"
ROWS = "organisation/rows"

Png = Callable[[int], bytes]
WriteTar = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as running:
        use_hub(running, tmp_path / "hub-cache", monkeypatch)
        yield running


@pytest.fixture
def tars(server: HubServer, tmp_path: Path, png: Png, write_tar: WriteTar) -> str:
    """A repository in CLIP_benchmark's layout: two shards, the training split beside it."""
    folder = tmp_path / "remote"
    for split in ("train", "test"):
        for shard in range(2):
            write_tar(folder / split / f"{shard}.tar", {"a.png": png(shard), "a.cls": b"1"})
        (folder / split / "nshards.txt").write_text("2\n")
    (folder / "classnames.txt").write_text("cat\ndog\n")
    (folder / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\n")
    server.add(f"datasets/{REPO}", folder)
    return REPO


@pytest.mark.parametrize("revision", [None, "main", COMMIT, COMMIT[:10]])
def test_tars_at_any_way_to_name_a_revision(
    server: HubServer, tars: str, revision: str | None, tmp_path: Path
) -> None:
    place = Place(cache=tmp_path / "cache")
    source = hub(place, repo=tars, revision=revision, layout="webdataset")
    assert (len(source), source.revision) == (2, COMMIT)
    assert source.name == f"hub:{tars}{'' if revision is None else f'@{revision}'}/test"
    assert source.offers.names == (Text("cat"), Text("dog"))
    assert source.offers.templates == ("a photo of a {}.",)
    assert source[1].image().size == (13, 10)
    assert sorted(server.fetched()) == [
        "classnames.txt",
        "test/0.tar",
        "test/1.tar",
        "test/nshards.txt",
        "zeroshot_classification_templates.txt",
    ]
    server.seen.clear()
    assert hub(place, repo=tars, revision=revision, layout="webdataset").revision == COMMIT
    assert server.seen == []  # what the cache has is asked of nobody


def test_a_cached_branch_is_read_offline(
    server: HubServer, tars: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SourceMissing, match=r"wds_pictures is not in the hub's cache.*HF_HUB_OFFLINE"):
        hub(Place(), repo=tars, layout="webdataset")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub(Place(), repo=tars, layout="webdataset")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    server.seen.clear()
    assert hub(Place(), repo=tars, layout="webdataset").revision == COMMIT
    assert server.seen == []


def test_captions_of_several_columns_or_the_first(
    server: HubServer, png: Png, write_parquet: Callable[..., Path], tmp_path: Path
) -> None:
    write_parquet(
        tmp_path / "rows" / "data" / "de-00000-of-00001.parquet",
        {"image": [png(0), png(1)], "one": ["a", "b"], "two": [["c", "d"], ["e"]]},
    )
    server.add(f"datasets/{ROWS}", tmp_path / "rows")
    columns = {"image": "image", "captions": ["one", "two"]}
    every = hub(Place(), repo=ROWS, split="de", columns=columns)
    first = hub(Place(), repo=ROWS, split="de", columns=columns, captions="first")
    assert [every[i].target.captions for i in range(2)] == [("a", "c", "d"), ("b", "e")]
    assert [first[i].target.captions for i in range(2)] == [("a",), ("b",)]


def test_what_the_hub_refuses_is_said(server: HubServer, tars: str) -> None:
    with pytest.raises(DataError, match="0 commits begin with abcdef0; state all 40 digits"):
        hub(Place(), repo=tars, revision="abcdef0", layout="webdataset")
    server.gated.add(f"datasets/{REPO}")
    with pytest.raises(SourceMissing, match="it is gated") as gated:
        hub(Place(), repo=tars, layout="webdataset")
    assert gated.value.advice.startswith(f"ask for it at {server.url}/datasets/{REPO}, then `hf auth login`")


def test_commits_are_on_pages_of_the_same_server_and_no_more_than_anybody_made(
    server: HubServer, tars: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages = 3
    assert hub(Place(), repo=tars, revision=COMMIT[:10], layout="webdataset").revision == COMMIT
    monkeypatch.setattr(hub_answer, "MOST_PAGES", 2)
    with pytest.raises(DataError, match="lists commits without end; state all 40 digits"):
        hub(Place(), repo=tars, revision="abcdef0", layout="webdataset")


def test_a_server_that_drips_or_sends_without_end_is_given_up(
    server: HubServer, tars: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as few:
        few.setattr(hub_answer, "MOST_BYTES", 100)
        with pytest.raises(DataError, match="answers more than 100 bytes; set HF_ENDPOINT to another server"):
            hub(Place(), repo=tars, revision="main", layout="webdataset")
    monkeypatch.setattr(hub_answer, "WAITS", ())
    monkeypatch.setattr(hub_answer, "SECONDS", 0.1)
    server.drip = {"body": 0.02}
    with pytest.raises(SourceMissing, match=r"fetching it failed \(ConnectionError: 127\.0\.0\.1:\d+: timed"):
        hub(Place(), repo=tars, revision="main", layout="webdataset")


def test_a_full_disk_is_no_failure_of_the_hub(
    server: HubServer, tars: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    fetch = huggingface_hub.snapshot_download

    def full(*arguments: object, local_files_only: bool, **options: object) -> str:
        if local_files_only:
            return fetch(*arguments, local_files_only=True, **options)  # type: ignore[arg-type, no-any-return]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/hub/blobs/a")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(OSError, match="No space left"):
        hub(Place(), repo=tars, revision="main", layout="webdataset")


def test_what_a_library_says_is_told_without_secrets() -> None:
    error = OSError("404 for url: https://me:pa55word@host/x?Signature=1&b=2 (is it there?) at a@b")
    assert reason(error) == "404 for url: https://***@host/x?*** (is it there?) at a@b"
