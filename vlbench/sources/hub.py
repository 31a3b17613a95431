"""The source `hub`: a data set of the Hugging Face hub at a pinned revision, whatever its layout."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Literal

from vlbench.core.contracts import Place
from vlbench.core.errors import CardError, DataError
from vlbench.sources.annotation import NAME_FILES, TEMPLATE_FILES
from vlbench.sources.dataset_copy import Part, dataset_copy
from vlbench.sources.file_listing import FoundFile
from vlbench.sources.hub_failure import fetch_failures, no_repository, not_fetched
from vlbench.sources.parquet import PARQUET_SUFFIX, files_of_split, list_parquet, open_rows
from vlbench.sources.parquet_columns import Columns, ColumnUse
from vlbench.sources.parquet_rows import ParquetImages
from vlbench.sources.webdataset import SHARD_COUNT, TAR_SUFFIX, TarImages, list_shards, open_shards

DATA_SUFFIXES = (PARQUET_SUFFIX, TAR_SUFFIX)
DEFAULT_FOLDERS = ("", "data/", "default/")
"""Where the files of a data set without subsets lie; a wider search would depend on what is cached."""
CONVERTED = "refs/convert/parquet"
"""The branch on which the hub keeps a parquet copy of data sets of other layouts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files of a repository: patterns that match them and no others, and how to tell that all are there.

    `choose` lists the split's files in a snapshot, or raises DataError.
    """

    repo: str
    revision: str
    patterns: tuple[str, ...]
    choose: Callable[[Path], list[FoundFile]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A local copy of a revision: its folder, the commit, and the split's files in it."""

    root: Path
    commit: str
    files: Sequence[FoundFile]


def hub(
    place: Place,
    /,
    *,
    repo: str,
    revision: str,
    split: str = "test",
    config: str | None = None,
    layout: Literal["parquet", "webdataset", "datasets"] = "parquet",
    columns: dict[ColumnUse, str | list[str]] | None = None,
    where: dict[str, str | int] | None = None,
) -> "ParquetImages | TarImages":
    """A split of a data set on the hub, fetched now unless the hub's cache has all of it.

    Only the split's files are fetched. What a result records is the commit. HF_HUB_OFFLINE is obeyed,
    and nothing is asked of the network for a revision that lies in the cache. With the layout
    `datasets`, that library fetches all splits of the config, a parquet copy of the split is kept in
    vlbench's cache, and only a full commit is found there without asking the hub.

    Args:
        place: its cache keeps the index of tars, and copies of the layout `datasets`.
        repo: ORGANISATION/NAME.
        revision: a commit, tag or branch; `refs/convert/parquet` is the hub's own parquet copy.
        split: the split, as the names of files or folders tell it.
        config: the folder of a subset; its files lie in the root, `data` or `default` if none is named.
            For the layout `datasets` the name of a config, the default one if none is named.
        layout: `parquet`; `webdataset` for tars as the `clip-benchmark/wds_*` repositories have them;
            `datasets` for all else that `datasets.load_dataset` opens without code: image folders, zips,
            CSV or JSON with images, Arrow.
        columns: as of the source `parquet`.
        where: as of the source `parquet`.

    Raises:
        SourceMissing: not in the cache, and it could not be fetched.
        DataError: no such split or config, or files that do not read.
        CardError: an option of the other layout.
    """
    name = f"hub:{repo}@{revision}/{f'{config}/' if config else ''}{split}"
    if layout == "webdataset":
        if config is not None or columns is not None or where is not None:
            raise CardError(
                f"source {name}: config, columns and where are for the other layouts; remove them"
            )
        tars = _fetch(Wanted(repo, revision, _tar_patterns(split), lambda root: list_shards(root, split)))
        return open_shards(
            tars.files,
            name=name,
            revision=tars.commit,
            states=_states(repo, tars),
            beside=[tars.root],
            cache=place.cache,
        )

    chosen = Columns(named=columns or {}, where=where or {})
    if layout == "datasets":
        copy = dataset_copy(Part(repo, revision, config, split), place.cache)
        return open_rows(
            [copy.file],
            chosen,
            name=name,
            revision=copy.commit,
            states=[f"hub:{repo}@{copy.commit}/datasets:{copy.file.name}"],
            beside=copy.root,
        )

    patterns = _parquet_patterns(split, config)

    def choose(root: Path) -> list[FoundFile]:
        found = [file for file in list_parquet(root) if _matches(file.name, patterns)]
        return files_of_split(found, split, name)

    rows = _fetch(Wanted(repo, revision, patterns, choose))
    return open_rows(
        rows.files,
        chosen,
        name=name,
        revision=rows.commit,
        states=_states(repo, rows),
        beside=rows.root,
    )


def _fetch(wanted: Wanted) -> Snapshot:
    cached = _cached(wanted)
    if cached is not None:
        with suppress(DataError):  # what is not all there is fetched below
            return Snapshot(cached, cached.name, wanted.choose(cached))
    root = _download(wanted)
    return Snapshot(root, root.name, wanted.choose(root))


def _cached(wanted: Wanted) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                wanted.repo,
                repo_type="dataset",
                revision=wanted.revision,
                allow_patterns=list(wanted.patterns),
                local_files_only=True,
            )
        )
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise no_repository(wanted.repo, error) from error


def _download(wanted: Wanted) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        names = HfApi().list_repo_files(wanted.repo, repo_type="dataset", revision=wanted.revision)
        files = [name for name in names if _matches(name, wanted.patterns)]
        if not any(name.endswith(DATA_SUFFIXES) for name in files):
            raise DataError(
                f"{wanted.repo}@{wanted.revision} has no {', '.join(wanted.patterns)}; "
                f"correct the card (config?), or take the hub's parquet copy (revision {CONVERTED}) "
                "or layout: datasets"
            )
        folder = snapshot_download(
            wanted.repo,
            repo_type="dataset",
            revision=wanted.revision,
            allow_patterns=[escape(name) for name in files],
        )
    except fetch_failures() as error:
        raise not_fetched(wanted.repo, wanted.revision, error) from error
    return Path(folder)


def _parquet_patterns(split: str, config: str | None) -> tuple[str, ...]:
    folders = DEFAULT_FOLDERS if config is None else (f"{escape(config)}/",)
    named = escape(split)
    shard = f"{named}-{'[0-9]' * 5}-of-*{PARQUET_SUFFIX}"
    return tuple(
        folder + file
        for folder in folders
        for file in (shard, f"{named}{PARQUET_SUFFIX}", f"{named}/*{PARQUET_SUFFIX}")
    )


def _tar_patterns(split: str) -> tuple[str, ...]:
    shards = (f"{escape(split)}/*{TAR_SUFFIX}", f"{escape(split)}/{SHARD_COUNT}")
    return (*shards, *NAME_FILES, *TEMPLATE_FILES)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _states(repo: str, snapshot: Snapshot) -> list[str]:
    return [f"hub:{repo}@{snapshot.commit}/{file.name}" for file in snapshot.files]
