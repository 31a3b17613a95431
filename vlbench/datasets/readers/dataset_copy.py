"""A parquet copy of a hub data set of any layout that `datasets` opens, made once per commit."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlbench.core.errors import CardError, DataError, VlbenchError
from vlbench.core.files import default_cache, file_name, passing
from vlbench.core.machine import is_machine_fault
from vlbench.core.outside_name import COMMIT, InnerPath, commit_of, inner_path
from vlbench.datasets.readers.file_listing import find_files
from vlbench.datasets.readers.hub_answer import ask_repository
from vlbench.datasets.readers.hub_snapshot import (
    Snapshot,
    fetch_failures,
    no_repository,
    not_fetched,
    reason,
)

GROUP_ROWS = 100
"""How many rows a row group of a copy has. Random access to an image starts at the beginning of its group."""


@dataclass(frozen=True, slots=True)
class HubSplit:
    """A split of a data set on the hub; `config` names a subset if there are several."""

    repo: str
    revision: str
    config: str | None
    split: str

    @property
    def file(self) -> InnerPath:
        """The name of its copy in the commit's folder."""
        parts = (file_name(each) for each in (self.config, f"{self.split}.parquet") if each)
        return inner_path("/".join(parts), f"source hub:{self.repo}", CardError)


def dataset_copy(part: HubSplit, cache: Path | None) -> Snapshot:
    """The copy of a split, `cache/hub/REPO@COMMIT/[CONFIG/]SPLIT.parquet`; it is made now if it is missing.

    Image bytes are embedded unchanged, and class names are kept in the Hugging Face metadata. With a full
    commit whose copy exists, neither the network nor `datasets` is used; for a tag or branch, the hub is
    asked for the commit. `cache` None means the user's cache folder.

    Raises:
        SourceMissing: there is no copy, and the data could not be downloaded.
        DataError: there is no such split or config, or `datasets` does not open the data.
        CardError: no repository can have this name.
    """
    copies = (cache or default_cache()) / "hub"
    repo, _ = (inner_path(each, "source hub", CardError) for each in (part.repo, part.revision))
    commit = part.revision
    if not (COMMIT.fullmatch(commit) and (copies / f"{repo}@{commit}" / part.file).is_file()):
        commit = _ask_commit(part)  # also fails at once where `datasets` would retry for half a minute
    root = copies / f"{repo}@{commit}"
    path = root / part.file
    if not path.is_file():
        _make(part, commit, path)
    return Snapshot(root, commit, list(find_files(root, [part.file]).values()))


def _ask_commit(part: HubSplit) -> str:
    from huggingface_hub.errors import HFValidationError

    try:
        commit = ask_repository(part.repo, part.revision).sha
    except HFValidationError as error:
        raise no_repository(part.repo, error) from error
    except fetch_failures() as error:
        raise not_fetched(part.repo, part.revision, error) from error
    if commit is None:
        raise DataError(f"the hub names no commit of {part.repo}@{part.revision}; pin one in the card")
    return commit_of(commit, f"the hub, of {part.repo}@{part.revision}")


def _make(part: HubSplit, commit: str, path: Path) -> None:
    """Load a split at a commit and write its copy; other files that `datasets` wrote are removed."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError
    from pyarrow import ArrowException

    if Path(part.repo).is_dir():
        raise DataError(
            f"`datasets` would open the folder {Path(part.repo).resolve()} for {part.repo} of the hub; "
            "run in another folder"
        )
    failures = (*fetch_failures(), ArrowException, DatasetsError, RuntimeError, ValueError)
    # the library's own cache answers with another commit when the hub cannot be reached: give it an empty one
    with passing(path, folder=True) as (temporary, _):
        made = temporary / path.name
        try:
            with _bars_on_terminals_only():
                rows = load_dataset(
                    part.repo, name=part.config, revision=commit, split=part.split, cache_dir=str(temporary)
                )
                _write(rows, made)
        except failures as error:
            if is_machine_fault(error):
                raise
            raise _refusal(part, error) from error
        made.replace(path)


def _write(rows: Any, path: Path) -> None:
    """Write rows with embedded images, one row group at a time, and flush them to disk."""
    from datasets.table import embed_table_storage
    from pyarrow.parquet import ParquetWriter

    with path.open("wb") as file:
        with ParquetWriter(file, rows.features.arrow_schema) as writer:
            for table in rows.with_format("arrow").iter(batch_size=GROUP_ROWS):
                writer.write_table(embed_table_storage(table), row_group_size=GROUP_ROWS)
        file.flush()
        os.fsync(file.fileno())


def _refusal(part: HubSplit, error: Exception) -> VlbenchError:
    """Turn an exception of `datasets` into an error about the network or about the data."""
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError

    wrapped = error.__cause__ if isinstance(error, DatasetGenerationError) else None
    cause = wrapped or error
    no_access = isinstance(cause, DatasetNotFoundError)
    if no_access or (isinstance(cause, fetch_failures()) and not isinstance(cause, FileNotFoundError)):
        return not_fetched(part.repo, part.revision, cause)
    config = "" if part.config is None else f", config {part.config!r}"
    return DataError(
        f"`datasets` does not open {part.repo}@{part.revision}, split {part.split!r}{config} "
        f"({type(cause).__name__}: {reason(cause)}); correct the card"
    )


@contextmanager
def _bars_on_terminals_only() -> Iterator[None]:
    """Show progress bars of `datasets` only on terminals, unless the user's environment asks for them."""
    from datasets import are_progress_bars_disabled, config, disable_progress_bars, enable_progress_bars

    decided = config.HF_DATASETS_DISABLE_PROGRESS_BARS is not None or are_progress_bars_disabled()
    if decided or sys.stderr.isatty():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
