"""Cards with what they need and no more, for tests of what a card says."""

import json

from vlbench.cards.schema import ModelCard, TaskCard

TASK = {
    "title": "T",
    "kind": "k",
    "protocol": "p",
    "sources": [{"kind": "s"}],
    "metrics": ["acc1"],
    "primary": "acc1",
}


def model(**fields):
    return ModelCard.model_validate_json(json.dumps({"title": "M", "adapter": "a", **fields}))


def task(data):
    return TaskCard.model_validate_json(json.dumps({**TASK, "data": data}))
