"""A record of what was downloaded into a folder, kept there, so that the bytes can be verified later."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlbench.acquiring.download import RemoteFile, digest_of_file
from vlbench.cards.card_request import PATH
from vlbench.cards.data_request import DataRequest
from vlbench.cards.schema import SourceFields
from vlbench.core.errors import DataError
from vlbench.core.files import write_atomically
from vlbench.core.outside_name import inner_path
from vlbench.core.text_file import read_json
from vlbench.datasets.readers.hub_snapshot import storage_of

SHA256_DIGITS = 64
RECORD = ".vlbench-data.json"
"""The file name, hidden so that no source reads it as data."""


@dataclass(frozen=True, slots=True)
class DownloadRecord:
    """The repository and commit of a folder's files, and the files with their digests."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]


def read_record(folder: Path) -> DownloadRecord | None:
    """The record of a folder; None if nothing was downloaded into it.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    content = read_json(path, mend="remove it, and `vlbench data get` again")
    try:
        files = tuple(RemoteFile(**each) for each in content["files"])
        for each in files:
            inner_path(each.name, str(path))
        return DownloadRecord(str(content["repo"]), str(content["commit"]), files)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged ({error}); remove it, and `vlbench data get` again") from error


def add_to_record(folder: Path, repo: str, commit: str, files: Sequence[RemoteFile]) -> None:
    """Add downloaded and verified files to the record of the same commit.

    Raises:
        DataError: the existing record is damaged.
    """
    before = read_record(folder)
    kept = before.files if before is not None and (before.repo, before.commit) == (repo, commit) else ()
    by_name = {each.name: each for each in (*kept, *files)}
    record = DownloadRecord(repo, commit, tuple(by_name[name] for name in sorted(by_name)))
    write_atomically(folder / RECORD, json.dumps(asdict(record), indent=1) + "\n")


def differing_files(fields: SourceFields, commit: str, request: DataRequest) -> tuple[str, ...]:
    """What is wrong with the bytes that a source reads, if the right digests are known.

    They are known in a folder with a record, and in the hub's cache, whose files are named by digest;
    `commit` is the source's revision there.
    """
    path, repo = fields.options.get(PATH), fields.options.get("repo")
    if isinstance(repo, str):
        return tuple(_damaged_blobs(storage_of(repo) / "snapshots" / commit))
    if not isinstance(path, str):
        return ()
    folders = [root / Path(path).expanduser() for root in request.roots or (Path(),)]
    folder = next((each for each in folders if (each / RECORD).is_file()), None)
    record = read_record(folder) if folder is not None else None
    return () if folder is None or record is None else tuple(_differing(folder, record))


def _damaged_blobs(snapshot: Path) -> Iterator[str]:
    for link in sorted(snapshot.rglob("*")):
        if not link.is_symlink() or not link.is_file():
            continue
        blob = link.resolve()
        digest, size = blob.name, blob.stat().st_size
        of_bytes = len(digest) == SHA256_DIGITS
        sha256, blob_id = (digest, None) if of_bytes else (None, digest)
        if digest_of_file(RemoteFile(link.name, size, sha256, blob_id), blob) != digest:
            yield f"{link} has other bytes than its digest says; remove {blob} and `vlbench data get`"


def _differing(folder: Path, record: DownloadRecord) -> Iterator[str]:
    for file in record.files:
        path = folder / file.name
        if not path.is_file():
            yield f"{path} is gone; `vlbench data get` fetches it again"
        elif path.stat().st_size != file.size or digest_of_file(file, path) != file.digest:
            yield f"{path} is not what {record.repo}@{record.commit} holds; remove it and `vlbench data get`"
