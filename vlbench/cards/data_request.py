"""What a user says about data: where they may lie and how many of them are wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random

from vlbench.core.contracts import Place
from vlbench.core.dataset import subset
from vlbench.core.errors import DataError
from vlbench.core.method import SplitName
from vlbench.core.task import TaskRequest

_LIMIT_SEED = 0
"""Every run of a limit takes the same images."""


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

    def cut(self, request: TaskRequest) -> TaskRequest:
        """A task's request with at most `limit` images, one drawn from each of as many equal spans.

        It is marked partial then. Images at equal distances could all be of one class, where the data go
        through their classes in turn.

        Raises:
            DataError: the limit is below one.
        """
        if self.limit is None:
            return request
        if self.limit < 1:
            raise DataError(f"{request.name}: a limit of {self.limit} leaves no image; give 1 or more")
        count = len(request.source)
        if self.limit >= count:
            return request
        draw = Random(_LIMIT_SEED)  # noqa: S311 - a sample, no secret
        ends = [i * count // self.limit for i in range(self.limit + 1)]
        indices = tuple(draw.randrange(start, stop) for start, stop in pairwise(ends))
        return replace(request, source=subset(request.source, indices), partial=f"limit {self.limit}")
