"""Ranks of the models of a results folder, by its per-item records."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from os import DirEntry
from pathlib import Path

from vlbench.core.digest import digest_of_bytes
from vlbench.core.files import file_name
from vlbench.core.json_text import parsed_json
from vlbench.core.result import Result
from vlbench.report.comparable import columns
from vlbench.report.known_results import NOTHING_KEPT, Kept
from vlbench.report.results import files_in
from vlbench.report.tables.averages import Additions

_RECORDS = ".items.npz"


def with_ranks(
    folder: Path, results: Collection[Result], additions: Additions, kept: Kept = NOTHING_KEPT
) -> Additions:
    """Add the ranks of a folder's models on each task, from tests on the per-item records there.

    Raises:
        DataError: a record is damaged, or from another run than its result.
    """
    records: dict[str, list[DirEntry[str]]] = {}
    for task in {each.task for each in results}:
        of_task = folder / file_name(task)
        found = files_in(of_task, _RECORDS) if of_task.is_dir() else []
        records[task] = [each for each in found if each.is_file()]
    ranks = {}
    for task, column in columns(each for each in results if records[each.task]).items():
        told = partial(kept.lines, file_name(task), "records", records[task], _told)
        ranks[task] = parsed_json(kept.text(task, "ranks", partial(_ranks, folder, column.kept), told))
    return replace(additions, ranks=ranks)


def _ranks(folder: Path, results: Sequence[Result]) -> str:
    # numpy is imported here, so that a folder without records, or with known ones, is read without it
    from vlbench.report.paired.items import has_items, read_items
    from vlbench.report.tables.column_ranks import column_ranks

    items = {row.model: read_items(folder, row) for row in results if has_items(folder, row)}
    return json.dumps(column_ranks(results, items))


def _told(record: DirEntry[str]) -> str:
    return f"{record.name!a} {digest_of_bytes(Path(record.path).read_bytes())}"
