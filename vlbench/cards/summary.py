"""What `list` tells of a card, read from the card itself."""

from pathlib import Path

from vlbench.cards.card_file import parse_model_card, parse_task_card, read_fields
from vlbench.cards.catalogue import Entry
from vlbench.cards.folders import CardKind
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.cards.yaml_file import shown
from vlbench.core.errors import CardError


def read_entry(path: Path, kind: CardKind | None) -> tuple[CardKind, Entry]:
    """A card's kind and entry; kind None is settled by the card's own fields.

    Raises:
        CardError: it is neither a task's nor a model's, or not a right one.
    """
    if (kind or kind_of(path)) == "task":
        return "task", task_entry(path, parse_task_card(path))
    return "model", model_entry(path, parse_model_card(path))


def kind_of(path: Path) -> CardKind:
    """Whether a file is a task card (it has a `kind`) or a model card (it has an `adapter`).

    Raises:
        CardError: it is neither.
    """
    fields = read_fields(path)
    if "adapter" in fields:
        return "model"
    if "kind" in fields:
        return "task"
    raise CardError(f"{shown(path)}: neither `kind` (a task card) nor `adapter` (a model card); add one")


def task_entry(path: Path, card: TaskCard) -> Entry:
    """The entry of a task card."""
    summary = {
        "protocol": card.protocol,
        "primary": card.primary,
        "images": card.expect.images,
        "texts": card.expect.texts,
    }
    return Entry(path.stem, path, card.title, card.kind, summary, card.aliases)


def model_entry(path: Path, card: ModelCard) -> Entry:
    """The entry of a model card."""
    summary = {
        "family": card.family,
        "parameters": card.parameters,
        "image_size": card.image_size,
        "gflops": card.gflops,
    }
    return Entry(path.stem, path, card.title, card.adapter, summary, card.aliases)
