"""The index of a folder of cards: a generated file beside them, which the catalogue reads in their place."""

import json
from pathlib import Path

from vlbench.cards.catalogue import COLLECTIONS, INDEX_SCHEMA
from vlbench.cards.folders import CardKind
from vlbench.cards.summary import read_collection, read_entry


def index_text(folder: Path, kind: CardKind) -> str:
    """The text of a folder's index."""
    entries = [read_entry(path, kind)[1] for path in sorted(folder.glob("*.yaml"))]
    collections = [read_collection(path) for path in sorted((folder / COLLECTIONS).glob("*.yaml"))]
    content = {
        "schema": INDEX_SCHEMA,
        "cards": {
            entry.name: {
                "bytes": entry.path.stat().st_size,
                "title": entry.title,
                "kind": entry.kind,
                "summary": dict(entry.summary),
                "aliases": list(entry.aliases),
                "places": list(entry.places),
            }
            for entry in entries
        },
        COLLECTIONS: {
            each.name: {
                "bytes": each.path.stat().st_size,
                "title": each.title,
                "tasks": list(each.tasks),
                "metrics": {task: list(metrics) for task, metrics in each.metrics.items()},
                "weights": dict(each.weights),
            }
            for each in collections
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
