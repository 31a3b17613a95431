"""What the catalogue says of a card or a collection without reading it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Half = Literal["base", "new"]
Summary = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A card by name; `kind` is a task's kind or a model's adapter, `summary` what `list` prints.

    `aliases` are other tools' names for it. `places` are where its data or weights may lie, as
    vlbench/cards/availability.py reads them. `half` says which of a task's classes were asked for
    (`X@base`); None is all of them.
    """

    name: str
    path: Path
    title: str
    kind: str
    summary: Summary = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    half: Half | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Tasks that are run and averaged together, by the name that a tool or paper gives them.

    `metrics` are what is averaged of a task where that is not its primary metric: the mean of those named;
    a task with none is left out of the average.
    """

    name: str
    path: Path
    title: str
    tasks: tuple[str, ...]
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
