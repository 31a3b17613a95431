"""Files of a hub data set: those that a split needs, and a local copy of a revision that has them."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from textwrap import shorten

from vlbench.core.errors import CardError, DataError, SourceMissing
from vlbench.core.files import write_atomically
from vlbench.core.machine import is_machine_fault
from vlbench.core.outside_name import COMMIT, commit_of, digest_of_server, inner_path
from vlbench.datasets.readers.annotation import NAME_FILES, TEMPLATE_FILES
from vlbench.datasets.readers.file_listing import FoundFile
from vlbench.datasets.readers.hub_answer import ask_repository, commits, is_gated
from vlbench.datasets.readers.parquet import PARQUET_SUFFIX, files_of_split, list_parquet
from vlbench.datasets.readers.webdataset import SHARD_COUNT, TAR_SUFFIX, list_shards

DATA_SUFFIXES = (PARQUET_SUFFIX, TAR_SUFFIX)
DEFAULT_FOLDERS = ("", "data/", "default/")
"""Where the files of a data set without subsets are. A wider search would depend on what is cached."""
CONVERTED = "refs/convert/parquet"
"""The branch on which the hub keeps parquet copies of data sets with other layouts."""
ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")
DATASET = "dataset"
DEFAULT_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class SplitFiles:
    """The files of a repository that a split needs: patterns for them, and a check that all are there.

    Revision None means the default branch. `choose` lists the split's files in a snapshot, or raises
    DataError.
    """

    repo: str
    revision: str | None
    patterns: tuple[str, ...]
    choose: Callable[[Path], list[FoundFile]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A local copy of a revision: its folder, the commit, and the files of the split."""

    root: Path
    commit: str
    files: Sequence[FoundFile]


def wanted_tars(repo: str, revision: str | None, split: str) -> SplitFiles:
    """The tars of a split, with the files of names and templates next to them."""
    shards = (f"{escape(split)}/*{TAR_SUFFIX}", f"{escape(split)}/{SHARD_COUNT}")
    patterns = (*shards, *NAME_FILES, *TEMPLATE_FILES)
    return SplitFiles(repo, whole_commit(repo, revision), patterns, lambda root: list_shards(root, split))


def wanted_parquet(repo: str, revision: str | None, split: str, config: str | None) -> SplitFiles:
    """The parquet files of a split, in the folder of a config or in the default folders."""
    folders = DEFAULT_FOLDERS if config is None else (f"{escape(config)}/",)
    named = escape(split)
    shard = f"{named}-{'[0-9]' * 5}-of-*{PARQUET_SUFFIX}"
    patterns = tuple(
        folder + file
        for folder in folders
        for file in (shard, f"{named}{PARQUET_SUFFIX}", f"{named}/*{PARQUET_SUFFIX}")
    )

    def choose(root: Path) -> list[FoundFile]:
        found = [file for file in list_parquet(root) if matches(file.name, patterns)]
        return files_of_split(found, split, str(root))

    return SplitFiles(repo, whole_commit(repo, revision), patterns, choose)


def snapshot(wanted: SplitFiles) -> Snapshot:
    """A snapshot with all files of a split, from the cache or else downloaded now.

    Raises:
        SourceMissing: it is not in the cache and could not be downloaded.
        DataError: there is no such split, or the repository lacks shards.
        CardError: no repository can have this name.
    """
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    with suppress(DataError, LocalEntryNotFoundError):
        try:
            return _chosen(wanted, _fetched(wanted, wanted.patterns, local_files_only=True))
        except HFValidationError as error:
            raise no_repository(wanted.repo, error) from error
    return _chosen(wanted, _download(wanted))


def _chosen(wanted: SplitFiles, root: Path) -> Snapshot:
    return Snapshot(root, root.name, wanted.choose(root))


def _fetched(wanted: SplitFiles, patterns: Sequence[str], *, local_files_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        wanted.repo,
        repo_type=DATASET,
        revision=wanted.revision,
        allow_patterns=list(patterns),
        local_files_only=local_files_only,
    )
    return Path(folder)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether the name of a file in a repository matches one of the patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def not_there(wanted: SplitFiles) -> DataError:
    """The error for a repository without files of the split."""
    at = "" if wanted.revision is None else f"@{wanted.revision}"
    return DataError(
        f"{wanted.repo}{at} has no {', '.join(wanted.patterns)}; "
        f"correct the card (config?), or take the hub's parquet copy (revision {CONVERTED}) "
        "or layout: datasets"
    )


def storage_of(repo: str) -> Path:
    """The folder of a data set in the hub's cache."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type=DATASET)


def whole_commit(repo: str, revision: str | None) -> str | None:
    """Complete an abbreviated commit, from the cache or else from the repository's commits.

    Other revisions are kept.

    Raises:
        SourceMissing: the hub would have to be asked, and could not be.
        DataError: no commit of the default branch begins so, or several do.
        CardError: a name that no repository, or no revision, can have.
    """
    for name in (repo, revision):
        if name is not None:
            inner_path(name, "source hub", CardError)
    if revision is None or ABBREVIATED.fullmatch(revision) is None:
        return revision
    from huggingface_hub.errors import HFValidationError

    try:
        found = {each.name for each in (storage_of(repo) / "snapshots").glob(f"{revision}*")}
        if not found:
            found = {each for each in commits(repo) if each.startswith(revision)}
    except HFValidationError as error:
        raise no_repository(repo, error) from error
    except fetch_failures() as error:
        raise not_fetched(repo, revision, error) from error
    if len(found) != 1:
        raise DataError(f"{repo}: {len(found)} commits begin with {revision}; state all 40 digits of one")
    return found.pop()


def _download(wanted: SplitFiles) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        info = ask_repository(wanted.repo, wanted.revision)
        commit = commit_of(str(info.sha), f"the hub, of {wanted.repo}")
        names = [each.rfilename for each in info.siblings or () if matches(each.rfilename, wanted.patterns)]
        files = [inner_path(name, f"the hub, of {wanted.repo}") for name in names]
        if not any(name.endswith(DATA_SUFFIXES) for name in files):
            raise not_there(wanted)
        for name in files:  # the hub's client names its files by what the server calls their digests
            url = hf_hub_url(wanted.repo, name, repo_type=DATASET, revision=commit)
            digest_of_server(str(get_hf_file_metadata(url).etag), url)
        patterns = [escape(name) for name in files]
        root = _fetched(replace(wanted, revision=commit), patterns, local_files_only=False)
    except fetch_failures() as error:
        if is_machine_fault(error):
            raise
        raise not_fetched(wanted.repo, wanted.revision, error) from error
    note_revision(storage_of(wanted.repo), wanted.revision or DEFAULT_BRANCH, commit)
    return root


def note_revision(storage: Path, revision: str, commit: str) -> None:
    """Say in a data set's folder in the hub's cache which commit a branch or tag is."""
    if COMMIT.fullmatch(revision) is None:
        write_atomically(storage / "refs" / revision, commit)


_SECRETS = re.compile(r"(?<=://)[^/\s@]+(?=@)|(?<=\?)[^\s?]*=[^\s?]*")
"""A login, a query."""
REASON_LENGTH = 100
"""How many characters of another library's message are kept."""


def fetch_failures() -> tuple[type[Exception], ...]:
    """The exceptions that a download may raise: the hub's, and those of the installed HTTP client."""
    from huggingface_hub.errors import HfHubHTTPError

    bases = [base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception)]
    return (OSError, HfHubHTTPError, *bases)


def not_fetched(repo: str, revision: str | None, error: BaseException) -> SourceMissing:
    """The error for a data set that is not here and could not be downloaded."""
    from huggingface_hub import constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    at = "" if revision is None else f"@{revision}"
    if is_gated(error):
        return SourceMissing(
            f"{repo}{at} is not in the hub's cache, and it is gated",
            f"ask for it at {constants.ENDPOINT}/datasets/{repo}, then `hf auth login`, "
            "or put the data under --data-root",
        )
    why = f"fetching it failed ({type(error).__name__}: {reason(error)})"
    if isinstance(error, OfflineModeIsEnabled):
        why = "the network is not asked"
    return SourceMissing(
        f"{repo}{at} is not in the hub's cache, and {why}",
        "connect to the hub (HF_HUB_OFFLINE unset; `hf auth login` and its terms where it is gated), "
        "or put the data under --data-root",
    )


def no_repository(repo: str, error: BaseException) -> CardError:
    """The error for an impossible repository name."""
    return CardError(f"source hub: {repo!r} is no name of a repository ({reason(error)})")


def reason(error: BaseException) -> str:
    """A library's message as one short line, without what the addresses in it may hold of secrets."""
    said = _SECRETS.sub("***", str(error))
    return shorten(said, REASON_LENGTH, placeholder=" ...")
