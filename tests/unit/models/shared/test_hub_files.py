"""Files of a hub: the cache first, a second name next, and one line where neither is to be had."""

import socket
import urllib.request
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from vlbench.core.errors import WeightsError
from vlbench.models.shared import hub_files
from vlbench.models.shared.hub_files import fetch_if_there, hub_file, revision_of

NAMES = ("a.safetensors", "a.bin")


class Hub:
    """Repository files that can be fetched, and those that were."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, cached: tuple[str, ...] = (), remote: tuple[str, ...] = ()
    ) -> None:
        self.cached, self.remote, self.fetched = cached, remote, list[str]()
        self.revisions = set[str | None]()
        monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", self.look)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", self.fetch)
        monkeypatch.setattr(hub_files, "has_network", lambda: True)

    def look(self, repository: str, name: str, revision: str | None = None) -> str | None:
        self.revisions.add(revision)
        return f"/cache/{repository}/{name}" if name in self.cached else None

    def fetch(self, repository: str, name: str, revision: str | None = None) -> str:
        self.revisions.add(revision)
        self.fetched.append(name)
        if not self.remote:
            raise LocalEntryNotFoundError("No connection.\nPlease check it.")
        if name not in self.remote:
            raise EntryNotFoundError("404")
        return f"/new/{name}"


def test_a_cached_file_is_taken_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, cached=("a.bin",))
    assert hub_file("o/n", NAMES, model="m") == Path("/cache/o/n/a.bin")
    assert hub.fetched == []


def test_the_next_name_is_tried_where_the_first_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, remote=("a.bin",))
    assert hub_file("o/n", NAMES, model="m") == Path("/new/a.bin")
    assert hub.fetched == list(NAMES)
    assert hub.revisions == {None}


def test_a_stated_revision_is_looked_for_and_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch, remote=("a.bin",))
    hub_file("o/n", ("a.bin",), model="m", revision="86b5e09")
    assert hub.revisions == {"86b5e09"}


def test_without_a_network_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(monkeypatch)
    with pytest.raises(WeightsError) as caught:
        hub_file("o/n", NAMES, model="ViT-B-32/openai")
    assert str(caught.value) == (
        "ViT-B-32/openai: a.safetensors of o/n is not on this machine and could not be fetched "
        "(no connection, or HF_HUB_OFFLINE); fetch it on another machine and pass --weights FILE"
    )
    assert hub.fetched == ["a.safetensors"]


@pytest.mark.parametrize(
    ("proxies", "fetched"), [({}, []), ({"https": "http://proxy:3128"}, ["a.safetensors"])]
)
def test_a_name_that_does_not_resolve_ends_at_once_unless_there_is_a_proxy(
    monkeypatch: pytest.MonkeyPatch, proxies: dict[str, str], fetched: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    asks = hub_files.has_network
    hub = Hub(monkeypatch)
    monkeypatch.setattr(hub_files, "has_network", asks)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: proxies)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(WeightsError, match="could not be fetched"):
        hub_file("o/n", NAMES, model="m")
    assert hub.fetched == fetched


def test_a_repository_without_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    Hub(monkeypatch, remote=("other",))
    with pytest.raises(WeightsError, match=r"o/n has no a\.safetensors or a\.bin"):
        hub_file("o/n", NAMES, model="m")


def test_a_name_that_is_no_repository() -> None:
    with pytest.raises(WeightsError, match="write ORGANISATION/NAME"):
        hub_file("a/b/c", NAMES, model="m")


def test_the_revision_of_a_snapshot() -> None:
    assert revision_of(Path("/c/models--o--n/snapshots/0a1b/w.bin")) == "0a1b"
    assert revision_of(Path("/data/snapshots")) == ""
    assert revision_of(Path("/data/w.bin")) == ""


@pytest.mark.parametrize("network", [True, False])
def test_a_file_that_may_be_missing_is_asked_for_where_there_is_a_network(
    monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    """The hub's client would retry each such file for half a minute."""
    hub = Hub(monkeypatch, cached=("a.bin",), remote=("b.bin",))
    monkeypatch.setattr(hub_files, "has_network", lambda: network)
    for name in ("a.bin", "b.bin", "c.bin"):
        fetch_if_there("o/n", name)
    assert hub.fetched == (["b.bin", "c.bin"] if network else [])
