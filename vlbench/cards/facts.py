"""What a card states, resolved: its fields, its texts, and where its data are looked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlbench.cards.card_file import read_model_card, read_task_card
from vlbench.cards.catalogue import Entry
from vlbench.cards.texts import read_names, read_templates
from vlbench.cards.yaml_file import shown

FIRST = 3
"""How many names and templates are quoted."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A file of names or templates: how many lines it has and the first of them."""

    file: str
    count: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """A source of a card; `places` are the folders that it looks at, `found` those that exist."""

    kind: str
    options: dict[str, object]
    places: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model card, resolved."""

    name: str
    file: str
    card: dict[str, object]

    def as_json(self) -> dict[str, object]:
        """The facts as plain values."""
        return {"what": "model", **asdict(self)}


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task card, resolved."""

    name: str
    file: str
    card: dict[str, object]
    names: Quoted | None
    templates: Quoted | None
    data: tuple[Sought, ...]

    def as_json(self) -> dict[str, object]:
        """The facts as plain values."""
        return {"what": "task", **asdict(self)}


def model_facts(entry: Entry) -> ModelFacts:
    """The facts of a model card.

    Raises:
        CardError: the card is wrong.
    """
    return ModelFacts(entry.name, shown(entry.path), read_model_card(entry.path).model_dump(mode="json"))


def task_facts(entry: Entry, roots: Sequence[Path] = ()) -> TaskFacts:
    """The facts of a task card, its data looked for under roots.

    Raises:
        CardError: the card or one of its data files is wrong.
    """
    card = read_task_card(entry.path)
    folder = entry.path.parent
    names = None if card.names is None else [text.name for text in read_names(folder / card.names)]
    templates = None if card.templates is None else read_templates(folder / card.templates)
    return TaskFacts(
        name=entry.name,
        file=shown(entry.path),
        card=card.model_dump(mode="json"),
        names=_quoted(card.names, names),
        templates=_quoted(card.templates, templates),
        data=tuple(_sought(source.kind, source.options, (*roots, folder)) for source in card.sources),
    )


def _quoted(file: str | None, lines: Sequence[str] | None) -> Quoted | None:
    return None if file is None or lines is None else Quoted(file, len(lines), tuple(lines[:FIRST]))


def _sought(kind: str, options: dict[str, object], roots: Sequence[Path]) -> Sought:
    path = options.get("path")
    places = [root / Path(path).expanduser() for root in roots] if isinstance(path, str) else []
    names = tuple(dict.fromkeys(shown(place) for place in places))
    return Sought(kind, options, names, tuple(name for name in names if Path(name).exists()))
