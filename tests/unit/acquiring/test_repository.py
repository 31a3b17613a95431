"""What a server may say in place of a data set's listing, each told in one line."""

import time
from types import SimpleNamespace

import pytest
from hub_server import HubServer

from vlbench.acquiring.repository import list_repository
from vlbench.core.errors import DataError
from vlbench.datasets.readers import hub_answer
from vlbench.datasets.readers.hub_snapshot import wanted_tars

REPO = "org/wds_colours"
FILE = '{"id": "a", "sha": "0", "siblings": [{"rfilename": %s}]}'


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are noted in place of being waited."""
    noted: list[float] = []
    monkeypatch.setattr(hub_answer, "time", SimpleNamespace(sleep=noted.append))
    return noted


def listed() -> list[str]:
    return [file.name for file in list_repository(wanted_tars(REPO, None, "test")).files]


def refused() -> str:
    with pytest.raises(DataError) as raised:
        listed()
    said = str(raised.value)
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "",
            "<html>",
            "[]",
            "1",
            "null",
            '"text"',
            "[" * 100_000,
            '{"a": ' * 50_000,
            "\xff",
            "{}",
            '{"id": ',
        ),
        *('{"id": 1, "siblings": 3}', '{"id": "a", "siblings": [3]}', '{"id": "a", "siblings": [{}]}'),
        *('{"id": "a", "sha": [], "siblings": []}', '{"id": "a", "lastModified": "yesterday"}'),
        *map(FILE.__mod__, ('3, "size": 3', '"a", "size": -3', '"a", "size": "3"', '"a", "size": 3')),
        *map(FILE.__mod__, ('"a", "lfs": {"sha256": 3, "size": 3}', '"a", "lfs": []', '"a", "lfs": {}')),
    ],
    ids=lambda answer: answer[:40],
)
def test_what_is_no_listing_is_one_line(hub: HubServer, answer: str) -> None:
    hub.listing = answer
    assert f"{REPO}: the server does not answer as a hub does (" in refused()


def test_a_listing_cut_short_is_asked_for_again(hub: HubServer, waits: list[float]) -> None:
    hub.cut["listing"] = 20
    assert "test/0.tar" in listed()
    assert waits == [1.0]


def test_a_server_that_passes_through_trouble_is_asked_again(hub: HubServer, waits: list[float]) -> None:
    hub.trouble = [503, 429]
    assert "test/0.tar" in listed()
    assert waits == [1.0, 4.0]
    hub.trouble = [503] * 3
    assert "answers HTTP 503; try again later" in refused()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["head", "body"])
def test_a_listing_that_drips_is_given_up(hub: HubServer, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(hub_answer, "SECONDS", 0.2)
    hub.drip = {part: 0.05}
    start = time.monotonic()
    assert f"{REPO} could not be fetched (127.0.0.1" in refused()
    assert time.monotonic() - start < 3


def test_a_listing_without_end_is_given_up(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_answer, "MOST_BYTES", 100)
    assert "answers more than 100 bytes; set HF_ENDPOINT to another server" in refused()


def test_a_login_in_the_endpoint_is_sent_and_never_shown(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url.replace("//", "//me:pa55word@"))
    assert "test/0.tar" in listed()
    assert hub.authorization == ["Basic bWU6cGE1NXdvcmQ="]
    hub.repositories.clear()
    assert "pa55word" not in refused()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "hub//me:pa55word@x")
    assert "pa55word" not in refused()


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/a", "file:///etc/passwd"])
def test_a_redirect_to_no_web_server_is_refused(hub: HubServer, to: str) -> None:
    hub.redirect = to
    assert f"redirects to '{to.partition(':')[0]}' and not to an http address" in refused()
