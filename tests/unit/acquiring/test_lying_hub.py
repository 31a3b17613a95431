"""A hub whose names, commits or digests lead out of where its files belong: nothing of it is written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import HubServer

from vlbench.acquiring.get import fetch, plan_download
from vlbench.acquiring.record import RECORD, read_record
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Place
from vlbench.core.errors import CardError, DataError, VlbenchError
from vlbench.datasets.readers.hub import hub as hub_source

REPO = "org/wds_colours"
Lie = Callable[[HubServer], object]


def named(name: str) -> Lie:
    return lambda hub: hub.repositories.update({f"datasets/{REPO}": {name: b"evil", "test/0.tar": b"evil"}})


LIES: dict[str, Lie] = {
    **{
        f"name {name!r}": named(name)
        for name in (
            *("test/../../outside/evil.tar", "test/../../../../evil.tar", "test/nul.tar", "test/a\0b.tar"),
            *("test/a\nb.tar", "test/a\\..\\b.tar", f"test/{'x' * 300}.tar", "test/../evil.tar"),
        )
    },
    **{
        f"commit {commit!r}": lambda hub, commit=commit: setattr(hub, "commit", commit)
        for commit in (
            "../../..",
            "main",
            "",
            "a" * 64,
            "/outside",
            "0123456789abcdef0123456789abcdef0123456\n",
        )
    },
    **{
        f"digest {digest!r}": lambda hub, digest=digest: setattr(hub, "digest", digest)
        for digest in ("../../../evil", "/outside/evil", "a" * 12, "z" * 64)
    },
}


def lies_outside(root: Path) -> list[str]:
    allowed = ("built-in", "data", "hub-cache", "cache")
    return [str(path) for path in root.rglob("*") if path.relative_to(root).parts[0] not in allowed]


def below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == b"evil"]


def fetched(*roots: Path) -> None:
    fetch(plan_download("colours", read_catalogue(()), DataRequest(roots=roots)), lambda _: None)


def asked(to: str, folder: Path) -> None:
    """Ask the hub in one of the ways in which its answers come to this disk."""
    if to == "source":
        hub_source(Place(cache=folder / "cache"), repo=REPO, layout="webdataset")
    else:
        fetched(*([folder / "data"] if to == "data root" else []))


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("to", ["data root", "hub cache", "source"])
def test_what_a_server_says_is_no_path(
    lie: str, to: str, hub: HubServer, tmp_path: Path, write_card: Callable[..., None]
) -> None:
    write_card()
    LIES[lie](hub)
    with pytest.raises(VlbenchError) as refused:
        asked(to, tmp_path)
    assert str(refused.value).isprintable()
    assert not lies_outside(tmp_path)
    assert not below(tmp_path)


SIBLING = {"rfilename": "test/0.tar", "size": 1, "blobId": "0" * 40}


@pytest.mark.parametrize(
    "answer",
    [
        *(
            [],
            7,
            "x",
            None,
            {},
            {"siblings": 7},
            {"siblings": [7]},
            {"siblings": [{}]},
            {"sha": 7},
            {"sha": None},
        ),
        {"sha": "0" * 40, "siblings": [{**SIBLING, "rfilename": 7}]},
        {"sha": "0" * 40, "siblings": [{**SIBLING, "lfs": 7}]},
        {"sha": "0" * 40, "siblings": [{**SIBLING, "lfs": {"sha256": 7, "size": 1, "pointerSize": 1}}]},
        {"sha": "0" * 40, "siblings": [{**SIBLING, "blobId": None}]},
        {"sha": [], "siblings": [{**SIBLING, "rfilename": None}]},
    ],
)
@pytest.mark.parametrize("to", ["hub cache", "source"])
def test_an_answer_of_another_form_is_one_line(
    answer: object,
    to: str,
    hub: HubServer,
    tmp_path: Path,
    write_card: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_card()
    monkeypatch.setattr("hub_server.Handler.listing", lambda self, *_: self.send_json(answer))
    with pytest.raises(VlbenchError) as refused:
        asked(to, tmp_path)
    assert str(refused.value).isprintable()
    assert not lies_outside(tmp_path)


@pytest.mark.parametrize("path", ["../../outside", "/outside", "~/outside", "a/../../outside"])
def test_a_card_chooses_no_place_beside_the_data_root(
    path: str, hub: HubServer, tmp_path: Path, write_card: Callable[..., None]
) -> None:
    both = f"{{kind: webdataset, path: {path!r}}}, {{kind: hub, repo: {REPO}, layout: webdataset}}"
    write_card(sources=f"[{both}]")
    with pytest.raises(CardError, match=r"colours: the card's path: .* leads out of the folder"):
        fetched(tmp_path / "data")
    assert not lies_outside(tmp_path)
    assert not hub.fetched()


@pytest.mark.parametrize("revision", ["../../x", "/x", "a\0b", "refs/../../x"])
@pytest.mark.parametrize("layout", ["webdataset", "parquet", "datasets"])
def test_a_revision_of_a_card_is_no_path(revision: str, layout: str, hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(CardError):
        hub_source(Place(cache=tmp_path / "cache"), repo=REPO, revision=revision, layout=layout)  # type: ignore[arg-type]
    assert not hub.seen


@pytest.mark.parametrize("repo", ["../../x", "/x", "a\0b", "org/.."])
def test_a_repository_of_a_card_is_no_path(repo: str, hub: HubServer, tmp_path: Path) -> None:
    copy = tmp_path / "x@0123456789abcdef0123456789abcdef01234567" / "test.parquet"
    copy.parent.mkdir()
    copy.write_bytes(b"")
    for layout in ("webdataset", "parquet", "datasets"):
        with pytest.raises(CardError):
            hub_source(
                Place(cache=tmp_path / "c" / "d"), repo=repo, revision=copy.parent.name[2:], layout=layout
            )  # type: ignore[arg-type]
    assert not hub.seen


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a\0b", 7, None])
def test_a_record_names_files_of_its_own_folder(name: object, tmp_path: Path) -> None:
    file = {"name": name, "size": 1, "sha256": "0" * 64, "blob_id": None}
    (tmp_path / RECORD).write_text(json.dumps({"repo": REPO, "commit": "0" * 40, "files": [file]}))
    with pytest.raises(DataError):
        read_record(tmp_path)
