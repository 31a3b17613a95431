"""What a user states about data: where they may be and how many are wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vlbench.cards.folders import ships
from vlbench.core.contracts import Place
from vlbench.core.limit import Limit
from vlbench.core.method import SplitName


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Where data may be and how many are wanted.

    `roots` are tried in order for a card's relative paths; `roots_by_task` has the exact folder of a task's
    data. `limit` is a number of images, or a fraction of them; `verify` asks for digests of the bytes.
    `descriptions` is a file with sentences for each tag or class; `classnames` and `templates` are files that
    replace those of the task. `thresholds` of tags are a number or a file. `splits` are those that a method
    learns from; `allow_seen_images` lets it learn from test images.
    """

    roots: tuple[Path, ...] = ()
    roots_by_task: Mapping[str, Path] = field(default_factory=dict)
    cache: Path | None = None
    allow_subset: bool = False
    limit: Limit | None = None
    verify: bool = False
    descriptions: Path | None = None
    classnames: Path | None = None
    templates: Path | None = None
    thresholds: str | None = None
    splits: frozenset[SplitName] = frozenset()
    allow_seen_images: bool = False

    def folder_of(self, name: str, aliases: Iterable[str] = ()) -> Path | None:
        """The exact folder of a task's data, by its name or an alias; None if the user states none."""
        found = (self.roots_by_task.get(each) for each in (name, *aliases))
        return next((folder for folder in found if folder is not None), None)

    def place(self, card_folder: Path | None = None) -> Place:
        """Where sources may look for data, for a card in a folder."""
        return Place(
            roots=self.roots,
            card_folder=card_folder,
            cache=self.cache,
            verify=self.verify,
            allow_subset=self.allow_subset,
            shipped=card_folder is not None and ships(card_folder),
        )
