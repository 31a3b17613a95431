"""Where downloaded files go: the folder that a card's local source reads, or the hub's own cache."""

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vlbench.acquiring.download import RemoteFile
from vlbench.acquiring.record import add_to_record, read_record
from vlbench.cards.card_request import PATH
from vlbench.cards.schema import SourceFields
from vlbench.datasets.readers.hub_snapshot import DEFAULT_BRANCH, note_revision, storage_of

OF_HUB = frozenset(("repo", "revision", "layout", "config"))
"""The options of a hub source that a local source with the same layout does not have."""


class Destination(Protocol):
    """A place for the files of one commit."""

    def __str__(self) -> str: ...
    def path(self, file: RemoteFile) -> Path:
        """The path to which a file's bytes are written."""

    def holds(self, file: RemoteFile) -> bool:
        """Whether the file is there and was verified when it was downloaded."""

    def may_replace(self, file: RemoteFile) -> bool:
        """Whether an existing file with this name was downloaded too, so that it may be replaced."""

    def finish(self, files: Sequence[RemoteFile]) -> None:
        """Register downloaded files for the readers of the place."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder under a data root, with the layout of the repository and a record of the downloads."""

    folder: Path
    repo: str
    commit: str

    def __str__(self) -> str:
        return str(self.folder)

    def path(self, file: RemoteFile) -> Path:
        """The path of the file by its own name."""
        return self.folder / file.name

    def holds(self, file: RemoteFile) -> bool:
        """Whether the record has the file with this digest, and its size is right."""
        path = self.path(file)
        if not path.is_file() or path.stat().st_size != file.size:
            return False
        record = read_record(self.folder)
        return record is not None and file in record.files

    def may_replace(self, file: RemoteFile) -> bool:
        """Whether the record has the file's name, from this commit or an earlier one."""
        record = read_record(self.folder)
        return record is not None and file.name in {each.name for each in record.files}

    def finish(self, files: Sequence[RemoteFile]) -> None:
        """Add the files to the record."""
        add_to_record(self.folder, self.repo, self.commit, files)


@dataclass(frozen=True, slots=True)
class HubCache:
    """The cache of the hub's client: bytes by digest, and links to them for each commit.

    Layout: huggingface_hub documentation, "Understand caching".
    """

    storage: Path
    commit: str
    revision: str

    def __str__(self) -> str:
        return f"the hub's cache ({self.storage})"

    def path(self, file: RemoteFile) -> Path:
        """The path of the file by its digest."""
        return self.storage / "blobs" / file.digest

    def holds(self, file: RemoteFile) -> bool:
        """Whether the commit has the file. Its bytes were verified before they got their name."""
        return self._link(file).is_file()

    def may_replace(self, file: RemoteFile) -> bool:  # noqa: ARG002
        """Always true, since only the hub's client writes here."""
        return True

    def finish(self, files: Sequence[RemoteFile]) -> None:
        """Link the files into the folder of the commit, and store the commit of the revision."""
        for file in files:
            link, blob = self._link(file), self.path(file)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            try:
                link.symlink_to(os.path.relpath(blob, link.parent))
            except OSError:  # a disk without links: the hub's client puts the bytes there as well
                shutil.copyfile(blob, link)
        note_revision(self.storage, self.revision, self.commit)

    def _link(self, file: RemoteFile) -> Path:
        return self.storage / "snapshots" / self.commit / file.name


def hub_cache(repo: str, commit: str, revision: str | None) -> HubCache:
    """The place of a data set in the hub's cache. No revision means the default branch."""
    return HubCache(storage_of(repo), commit, revision or DEFAULT_BRANCH)


def local_path(remote: SourceFields, sources: Sequence[SourceFields]) -> str | None:
    """The path of the card's local source that reads the same files as a hub source; None if there is none.

    It has the same layout and the same other options.
    """
    options = remote.options
    if options.get("config") is not None:
        return None
    wanted = _beside(options, OF_HUB)
    for source in sources:
        path = source.options.get(PATH)
        same = _beside(source.options, {PATH}) == wanted
        if source.kind == options.get("layout", "parquet") and isinstance(path, str) and same:
            return path
    return None


def _beside(options: Mapping[str, object], left_out: Collection[str]) -> dict[str, object]:
    """Options without some of them. The default split is `test`, on the hub and in a folder."""
    return {"split": "test", **{key: value for key, value in options.items() if key not in left_out}}
