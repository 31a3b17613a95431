"""What a user says about data: where they may lie and how many of them are wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlbench.core.contracts import Place
from vlbench.core.method import SplitName


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Where data may lie and how much of it is wanted.

    `roots` are tried in order for a card's relative paths; `roots_by_task` names the very folder of a
    task's data; `limit` is a number of images; `verify` asks for digests of the bytes. `descriptions` is
    a file of sentences for each tag or class, `classnames` one of names and `templates` one of templates
    that replace the task's.
    `thresholds` of tags are a number or a file. `splits` are those that a method learns from;
    `allow_seen_images` lets it learn from test images.
    """

    roots: tuple[Path, ...] = ()
    roots_by_task: Mapping[str, Path] = field(default_factory=dict)
    cache: Path | None = None
    allow_subset: bool = False
    limit: int | None = None
    verify: bool = False
    descriptions: Path | None = None
    classnames: Path | None = None
    templates: Path | None = None
    thresholds: str | None = None
    splits: frozenset[SplitName] = frozenset()
    allow_seen_images: bool = False

    def folder_of(self, name: str, aliases: Iterable[str] = ()) -> Path | None:
        """The very folder of a task's data, by its name or another of its names; None where none is named."""
        found = (self.roots_by_task.get(each) for each in (name, *aliases))
        return next((folder for folder in found if folder is not None), None)

    def place(self, card_folder: Path | None = None) -> Place:
        """Where sources may look, for a card in a folder."""
        return Place(
            roots=self.roots,
            card_folder=card_folder,
            cache=self.cache,
            verify=self.verify,
            allow_subset=self.allow_subset,
        )
