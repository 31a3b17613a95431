"""Data sets of the hub, from a cache of the hub's own layout and from a stand-in for the hub."""

import shutil
import socket
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.files import file_state
from vlbench.datasets.readers import hub_answer, hub_snapshot
from vlbench.datasets.readers.hub import hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "organisation/pictures"

Png = Callable[[int], bytes]


class StandIn:
    """A repository whose files lie in a folder, fetched file by file into the hub's cache."""

    def __init__(self, remote: Path, cache: Path) -> None:
        self.remote = remote
        self.storage = cache / f"datasets--{REPO.replace('/', '--')}"
        self.fetched: list[str] = []
        self.failure: Exception | None = None

    def names(self) -> list[str]:
        """Names of all files of the repository."""
        return sorted(str(path.relative_to(self.remote)) for path in self.remote.rglob("*") if path.is_file())

    def ask(self, repo: str, revision: str) -> SimpleNamespace:
        """What the hub says of the branch."""
        assert (repo, revision) == (REPO, "main")
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(
            sha=COMMIT, siblings=[SimpleNamespace(rfilename=name) for name in self.names()]
        )

    def fetch(self, names: list[str]) -> Path:
        """Copy files as the hub does: blobs, links in a snapshot, and a ref to the commit."""
        snapshot = self.storage / "snapshots" / COMMIT
        for name in names:
            blob = self.storage / "blobs" / name.replace("/", "-")
            blob.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.remote / name, blob)
            (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
            (snapshot / name).symlink_to(blob)
            self.fetched.append(name)
        return snapshot


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The hub replaced by a folder; what lies in the cache is found by the hub's own code."""
    import huggingface_hub
    from huggingface_hub import constants, snapshot_download

    cache = tmp_path / "hub-cache"
    stand = StandIn(tmp_path / "remote", cache)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))

    def download(
        repo: str, *, allow_patterns: list[str], local_files_only: bool = False, **options: str
    ) -> str:
        if local_files_only:
            return snapshot_download(repo, allow_patterns=allow_patterns, local_files_only=True, **options)
        assert (repo, options) == (REPO, {"repo_type": "dataset", "revision": COMMIT})
        wanted = [n for n in stand.names() if any(fnmatchcase(n, each) for each in allow_patterns)]
        return str(stand.fetch(wanted))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(hub_snapshot, "ask_repository", stand.ask)
    digest = SimpleNamespace(etag=COMMIT)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url: digest)
    return stand


def labels(split: str = "test", **options: object) -> list[str | int | None]:
    source = hub(Place(), repo=REPO, revision="main", split=split, **options)  # type: ignore[arg-type]
    return [source[i].target.label for i in range(len(source))]


def test_the_files_of_a_split_are_fetched_once(
    stand_in: StandIn, png: Png, write_parquet: Callable[..., Path]
) -> None:
    for name, first in (("train-00000-of-00001", 0), ("test-00000-of-00002", 2), ("test-00001-of-00002", 4)):
        images = [{"bytes": png(first + i), "path": ""} for i in range(2)]
        write_parquet(
            stand_in.remote / "data" / f"{name}.parquet",
            {"image": images, "label": [0, 1]},
            names={"label": ["cat", "dog"]},
        )
    source = hub(Place(), repo=REPO, revision="main")
    shards = ["data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet"]
    assert stand_in.fetched == shards
    assert (source.name, source.revision, len(source)) == (f"hub:{REPO}@main/test", COMMIT, 4)
    assert source.offers.names == (Text("cat"), Text("dog"))
    assert source[3].id == f"{shards[1]}/1"
    assert source[3].image().size == (12, 10)
    assert source[3].state == f"{file_state(stand_in.storage / 'snapshots' / COMMIT / shards[1])}#1"
    stand_in.failure = ConnectionError("the cache has it, so nobody asks")
    assert len(hub(Place(), repo=REPO, revision="main")) == 4
    assert len(hub(Place(), repo=REPO, revision=COMMIT)) == 4
    stand_in.failure = None
    (stand_in.storage / "snapshots" / COMMIT / shards[0]).unlink()
    stand_in.fetched.clear()
    (stand_in.storage / "snapshots" / COMMIT / shards[1]).unlink()
    assert labels() == [0, 1, 0, 1]
    assert stand_in.fetched == shards


def test_what_is_cached_in_part_is_not_taken_for_all(
    stand_in: StandIn, png: Png, write_parquet: Callable[..., Path]
) -> None:
    for part in range(2):
        write_parquet(
            stand_in.remote / f"test-{part:05d}-of-00002.parquet", {"image": [png(0)], "label": [part]}
        )
    stand_in.fetch(["test-00001-of-00002.parquet"])
    stand_in.failure = ConnectionError("no route to\nthe hub")
    with pytest.raises(SourceMissing) as missing:
        labels()
    assert missing.value.looked == (
        f"{REPO}@main is not in the hub's cache, and fetching it failed "
        "(ConnectionError: no route to the hub)"
    )
    assert "HF_HUB_OFFLINE" in missing.value.advice


def test_configs_and_splits_are_folders_or_names(
    stand_in: StandIn, png: Png, write_parquet: Callable[..., Path]
) -> None:
    for seed, name in enumerate(("en/testA/0000", "fr/testA/0000", "fr/testB/0000")):
        write_parquet(stand_in.remote / f"{name}.parquet", {"jpg": [png(seed)], "n": [seed], "part": ["x"]})
    columns = {"label": "n"}
    assert labels("testA", config="fr", columns=columns, where={"part": "x"}) == [1]
    assert stand_in.fetched == ["fr/testA/0000.parquet"]
    for options in ({"split": "testA"}, {"split": "testC", "config": "fr"}):
        with pytest.raises(DataError, match=r"has no .*; correct the card \(config\?\), or take the hub's"):
            labels(**options)  # whatever of another config is cached


def test_tars_are_fetched_with_their_names(
    stand_in: StandIn, png: Png, write_tar: Callable[[Path, Mapping[str, bytes]], Path], tmp_path: Path
) -> None:
    for split, shards in (("train", 1), ("test", 2)):
        for shard in range(shards):
            members = {f"s{shard}.webp": png(shard), f"s{shard}.cls": b"1"}
            write_tar(stand_in.remote / split / f"{shard}.tar", members)
        (stand_in.remote / split / "nshards.txt").write_text(f"{shards}\n")
    (stand_in.remote / "classnames.txt").write_text("cat\ndog\n")
    (stand_in.remote / "README.md").write_text("...")
    (stand_in.remote / "zeroshot_classification_templates.txt").write_text("a {c}\n")
    place = Place(cache=tmp_path / "cache")
    source = hub(place, repo=REPO, revision="main", layout="webdataset")
    assert stand_in.fetched == [
        "classnames.txt",
        "test/0.tar",
        "test/1.tar",
        "test/nshards.txt",
        "zeroshot_classification_templates.txt",
    ]
    assert [source[i].id for i in range(2)] == ["test/0.tar/s0", "test/1.tar/s1"]
    assert source.offers.names == (Text("cat"), Text("dog"))
    assert source.offers.templates == ("a {}",)
    tar = stand_in.storage / "snapshots" / COMMIT / "test" / "1.tar"
    assert source[1].state == f"{file_state(tar)}#s1.webp"
    assert source[1].image().size == (13, 10)
    (stand_in.storage / "snapshots" / COMMIT / "test" / "0.tar").unlink()
    stand_in.failure = ConnectionError("down")
    with pytest.raises(SourceMissing, match="not in the hub's cache"):
        hub(place, repo=REPO, revision="main", layout="webdataset")
    with pytest.raises(CardError, match="where, captions and items are for the other layouts"):
        hub(place, repo=REPO, revision="main", layout="webdataset", config="en")


def test_a_name_that_no_repository_can_have_is_the_cards_fault(stand_in: StandIn) -> None:
    with pytest.raises(CardError, match="'a/b/c' is no name of a repository"):
        hub(Place(), repo="a/b/c", revision="main")
    with pytest.raises(CardError, match="'a/b/c' is no name of a repository"):
        hub(Place(), repo="a/b/c", revision="abcdef0")


@pytest.mark.network
def test_the_real_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        pytest.skip("HF_HUB_OFFLINE is set")
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        pytest.skip("the hub cannot be reached")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    rows = hub(Place(), repo="mteb/cifar10", revision="main")
    assert (len(rows), len(rows.revision)) == (10000, 40)
    tars = hub(Place(), repo="clip-benchmark/wds_vtab-cifar10", revision="main", layout="webdataset")
    assert (len(tars), len(tars.offers.names)) == (10000, 10)
    for source in (rows, tars):
        assert source[9999].image().size == (32, 32)


def test_without_a_network_the_hub_is_not_asked_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_answer, "has_network", lambda: False)
    for revision in (None, "abcdef0"):
        with pytest.raises(SourceMissing, match=r"not in the hub's cache, .*\(ConnectionError: no conn"):
            hub(Place(), repo=REPO, revision=revision)
