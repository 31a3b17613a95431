"""The digests of the protocols that ship: results of earlier versions stand under them.

A digest that differs is another protocol: its published results and baselines are worth nothing under it.
"""

import json
from pathlib import Path

import pytest

from vlbench.cards import build
from vlbench.cards.card_request import Search
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Dataset, Example, Target
from vlbench.core.errors import VlbenchError

pytestmark = pytest.mark.cards

PINNED = Path(__file__).parents[2] / "fixtures" / "protocol_digests.json"


def blank():
    """Three images of the first class, which nothing opens: a protocol says nothing of a card's images."""
    targets = (Target(label=0, captions=(f"caption {i}",), tags=(0,)) for i in range(3))
    return Dataset("blank", "blank", [Example(str(i), None, each, str(i)) for i, each in enumerate(targets)])


def digests(monkeypatch):
    """The digests of all shipped cards whose texts do not come with their data, by task."""
    monkeypatch.setattr(
        build, "search_sources", lambda entry, read, *_: Search(entry, read, blank(), None, ())
    )
    catalogue = read_catalogue()
    found = {}
    for name in sorted(catalogue.tasks):
        try:
            task = build.open_task(name, catalogue, request=DataRequest(allow_subset=True)).task
        except VlbenchError:
            continue
        found[name] = task.protocol.digest
    return found


def test_shipped_protocols_keep_their_digests(monkeypatch):
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    found = digests(monkeypatch)
    assert len(pinned) > 100
    assert {name: digest for name, digest in found.items() if pinned.get(name) != digest} == {}
    assert pinned.keys() == found.keys()
