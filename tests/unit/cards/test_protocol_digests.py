"""The digests of the protocols that ship: results of earlier versions stand under them.

A digest that differs is another protocol: its published results and baselines are worth nothing under it.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from vlbench.cards import build, card_request
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Example, Offers, Target
from vlbench.core.errors import VlbenchError

PINNED = Path(__file__).parents[2] / "fixtures" / "protocol_digests.json"


@dataclass(frozen=True)
class Blank:
    """Three images of the first class, which nothing opens: a protocol says nothing of a card's images."""

    name: str = "blank"
    revision: str = "blank"
    offers: Offers = field(default_factory=Offers)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return Example(str(index), None, self.target(index))

    def target(self, index):
        return Target(label=0, captions=(f"caption {index}",), tags=(0,))

    def fingerprint(self, index):
        return str(index)


def digests(monkeypatch):
    """The digests of all shipped cards whose texts do not come with their data, by task."""
    monkeypatch.setattr(card_request, "find_source", lambda *_: Blank())
    catalogue = read_catalogue()
    found = {}
    for name in sorted(catalogue.tasks):
        try:
            task = build.task(name, catalogue, request=DataRequest(allow_subset=True))
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
