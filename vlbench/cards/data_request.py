"""What a user says about data: where they may lie and how many of them are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlbench.core.contracts import Place, TaskRequest
from vlbench.core.digest import sha256_of_file
from vlbench.core.errors import DataError
from vlbench.core.subset import Subset

_DIGITS = 6
"""Hexadecimal digits of a file's SHA-256 in a task's name."""


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Where data may lie and how much of it is wanted.

    `roots` are tried in order for a card's relative paths; `roots_by_task` names the very folder of a
    task's data; `limit` is a number of images; `verify` asks for digests of the bytes. `descriptions` is
    a file of sentences for each tag or class, `classnames` one of names and `templates` one of templates
    that replace the task's.
    `thresholds` of tags are a number, a file, or `best-f1`.
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

    def place(self, card_folder: Path | None = None) -> Place:
        """Where sources may look, for a card in a folder."""
        return Place(roots=self.roots, card_folder=card_folder, cache=self.cache, verify=self.verify)

    def mark(self, request: TaskRequest) -> TaskRequest:
        """A task's request under a name of its own where the user's files take the place of its texts."""
        files = {
            "classnames": self.classnames,
            "templates": self.templates,
            "descriptions": self.descriptions,
        }
        marks = [
            f"{what}@{sha256_of_file(path)[:_DIGITS]}" for what, path in files.items() if path is not None
        ]
        return replace(request, name="+".join([request.name, *marks]))

    def cut(self, request: TaskRequest) -> TaskRequest:
        """A task's request with at most `limit` images, evenly spaced; then it is marked partial.

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
        indices = tuple(i * count // self.limit for i in range(self.limit))
        return replace(request, source=Subset(request.source, indices), partial=f"limit {self.limit}")
