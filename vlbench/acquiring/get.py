"""Downloads a task's data from the hub: what is missing, where it goes, and the download itself."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from vlbench.acquiring.destination import DataFolder, Destination, hub_cache, local_path
from vlbench.acquiring.download import Progress, Refused, RemoteFile, digest_of_file, download, partial_path
from vlbench.acquiring.repository import (
    Listing,
    file_address,
    list_repository,
    refusal,
    refuse_offline,
)
from vlbench.cards.card_file import read_card
from vlbench.cards.catalogue import Catalogue, Reference, find
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Entry
from vlbench.cards.options import option_names
from vlbench.cards.schema import SourceFields, TaskCard
from vlbench.core.errors import CardError, DataError, Unsupported
from vlbench.core.outside_name import inner_folder
from vlbench.core.registry import SOURCES
from vlbench.datasets.readers.hub_answer import request_headers
from vlbench.datasets.readers.hub_snapshot import SplitFiles, wanted_parquet, wanted_tars

REPO = "repo"
"""The option of a source that names a repository on the hub."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of a task's data, and whether it is here."""

    file: RemoteFile
    here: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan to download a task's data: a repository at a commit, the files, and where they go."""

    task: str
    listing: Listing
    destination: Destination
    files: tuple[PlannedFile, ...]

    @property
    def bytes(self) -> int:
        """The size of all files in bytes."""
        return sum(each.file.size for each in self.files)

    @property
    def missing(self) -> tuple[RemoteFile, ...]:
        """The files that are not here."""
        return tuple(each.file for each in self.files if not each.here)

    @property
    def missing_bytes(self) -> int:
        """The size in bytes of the files that are not here."""
        return sum(file.size for file in self.missing)

    def as_json(self) -> dict[str, object]:
        return {
            "task": self.task,
            "repo": self.listing.repo,
            "commit": self.listing.commit,
            "to": str(self.destination),
            "bytes": self.bytes,
            "files": [
                {"name": each.file.name, "bytes": each.file.size, "here": each.here} for each in self.files
            ],
        }


def plan_download(name: str, catalogue: Catalogue, request: DataRequest, *, repo: str | None = None) -> Plan:
    """List what a task needs from the hub; `repo` selects a repository of its card, by default the first.

    With a data root, files go where a local source of the card reads them, if there is one; else into the
    hub's cache, where the hub source finds them.

    Raises:
        UnknownName, CardError: there is no such card, or it is wrong.
        DataError: the card names no such repository, the hub refuses to list it, or HF_HUB_OFFLINE is set.
        Unsupported: its layout cannot be downloaded as files.
    """
    found = find(catalogue, name, "task")
    if isinstance(found, Reference):
        raise DataError(f"{name}: own data are where you put them; name a task of `vlbench list tasks`")

    card = read_card(found, TaskCard).card
    remote = _remote(found.name, card, repo)
    refuse_offline(str(remote.options[REPO]))
    wanted = _wanted(remote)
    listing = list_repository(wanted)
    to = _destination(found, card, remote, request=request, listing=listing, revision=wanted.revision)
    return Plan(
        task=found.name,
        listing=listing,
        destination=to,
        files=tuple(PlannedFile(file, to.holds(file)) for file in listing.files),
    )


def fetch(plan: Plan, report: Progress) -> None:
    """Download the missing files of a plan. Partial downloads of an earlier call are continued.

    `report` is called with the number of received bytes, negative for discarded ones.

    Raises:
        DataError: there is no access, the connection is lost, the disk is full, or the bytes differ from the
            stated digest.
    """
    _refuse_full_disk(plan)
    headers = request_headers()
    for file in plan.missing:
        path = plan.destination.path(file)
        if _lies_there(file, path):
            report(file.size)
        elif path.exists() and not plan.destination.may_replace(file):
            raise DataError(
                f"{path} is not what {plan.listing.repo} holds, and it was not fetched from there; move it "
                "away, or pass another --data-root"
            )
        else:
            try:
                download(file, file_address(plan.listing, file), path, headers=headers, report=report)
            except Refused as error:
                raise DataError(refusal(plan.listing.repo, error.status, error.code)) from error
        plan.destination.finish([file])
    plan.destination.finish(plan.listing.files)


def _refuse_full_disk(plan: Plan) -> None:
    """Raise DataError before the download if the disk has too little space."""
    needed = 0
    for file in plan.missing:
        path = plan.destination.path(file)
        kept = (path, partial_path(file, path))
        needed += file.size - max(each.stat().st_size if each.is_file() else 0 for each in kept)
        place = next(parent for parent in path.parents if parent.is_dir())
        free = shutil.disk_usage(place).free
        if needed > free:
            raise DataError(
                f"{plan.task}: {plan.missing_bytes:,} bytes do not fit into {place} ({free:,} are free); "
                "make room there, or pass another --data-root"
            )


def _wanted(remote: SourceFields) -> SplitFiles:
    """The files that a hub source reads; an abbreviated commit is completed."""
    options = {key: None if value is None else str(value) for key, value in remote.options.items()}
    repo, layout = str(options[REPO]), options.get("layout") or "parquet"
    revision, split = options.get("revision"), options.get("split") or "test"
    if layout == "datasets":
        raise Unsupported(
            f"{repo}: data of this layout are converted by `datasets` when the task is first run, with a "
            "network; there is nothing to fetch ahead"
        )
    if layout == "webdataset":
        return wanted_tars(repo, revision, split)
    return wanted_parquet(repo, revision, split, options.get("config"))


def _remote(task: str, card: TaskCard, repo: str | None) -> SourceFields:
    """The hub source that is asked for, by default the card's first."""
    remote = [source for source in card.sources if REPO in option_names(SOURCES.get(source.kind))]
    chosen = [source for source in remote if repo in (None, source.options.get(REPO))]
    if chosen:
        return chosen[0]
    if remote:
        known = ", ".join(str(source.options.get(REPO)) for source in remote)
        raise DataError(f"{task}: its card names {known}, not {repo}; name one of them")
    raise DataError(
        f"{task}: its card names no repository of the hub; `vlbench show {task}` says what it is, and where "
        "its data are looked for"
    )


def _destination(
    entry: Entry,
    card: TaskCard,
    remote: SourceFields,
    *,
    request: DataRequest,
    listing: Listing,
    revision: str | None,
) -> Destination:
    path = local_path(remote, card.sources)
    own = request.folder_of(entry.name, entry.aliases)
    if path is None or (own is None and not request.roots):
        return hub_cache(listing.repo, listing.commit, revision)
    if own is not None:
        folder = own
    else:  # a card chooses no place beside the data root
        relative = Path(path).expanduser().as_posix()
        folder = request.roots[0] / inner_folder(relative, f"{entry.name}: the card's path", CardError)
    return DataFolder(folder.expanduser().absolute(), listing.repo, listing.commit)


def _lies_there(file: RemoteFile, path: Path) -> bool:
    """Whether the file is there from another download; its bytes are read to verify it."""
    return path.is_file() and path.stat().st_size == file.size and digest_of_file(file, path) == file.digest
