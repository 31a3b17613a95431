"""Leaderboard CSVs, made from results alone, independent of the order of runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.result import Result
from vlbench.report.comparable import TaskColumn, columns, whole_results
from vlbench.report.results import read_results, source_text
from vlbench.report.table import Table, number
from vlbench.report.tables.averages import MEAN, MEAN_RANK, NO_ADDITIONS, Additions, Averages, averages
from vlbench.report.tables.base_to_new import BASE_TO_NEW, BASE_TO_NEW_HEAD, base_to_new
from vlbench.report.tables.costs import COSTS, SPEED, costs_text
from vlbench.report.tables.few_shot import (
    FEW_SHOT,
    FEW_SHOT_HEAD,
    PICTURE,
    ROOT,
    few_shot_curves,
    few_shot_text,
)
from vlbench.report.tables.robustness import ROBUSTNESS, ROBUSTNESS_HEAD, robustness_text
from vlbench.report.tables.row_facts import CARD_FACTS, ROW_FACTS, row_facts
from vlbench.report.tables.seeds import SEEDS, SEEDS_HEAD, by_row, seed_notes, seeds_by_row, seeds_text
from vlbench.report.task_name import BASE, old_method

LEADERBOARD = "leaderboard.csv"
ALL = "all.csv"
_HEADERS = {
    SEEDS: Table(SEEDS_HEAD, ()).csv(),
    BASE_TO_NEW: Table(BASE_TO_NEW_HEAD, ()).csv(),
    FEW_SHOT: Table(FEW_SHOT_HEAD, ()).csv(),
    ROBUSTNESS: Table(ROBUSTNESS_HEAD, ()).csv(),
}
"""Tables that exist only for some results, with the headers that distinguish them from a user's own CSV."""

_FACTS = (
    *("n_images", "n_texts", "protocol", "protocol_digest", "precision", "preprocess", "model_digest"),
    *("zero_shot", "parameters", "gflops", "image_size", "licence"),
)
"""The columns of a task's CSV after its metrics and rank; they distinguish it from a user's own CSV."""
_OLD_FACTS = (*_FACTS[:-1], SPEED, _FACTS[-1])
"""Those of version 0.1."""

RANK = "rank"

_NAMES = ("model", "task", "protocol")
_MEASURED = ("metric", "value", "ci_low", "ci_high", "n", "ci_method", "left_out")
_REST = (
    *("primary", "kind", "n_images", "n_texts", "protocol_digest", "precision", "preprocess"),
    *("adapter", "model_digest", "source", "source_revision", "zero_shot"),
)
"""The columns of `all.csv`: fields of a result, of one of its metrics, and of the result again."""


def leaderboards(results: Iterable[Result], additions: Additions = NO_ADDITIONS) -> Mapping[str, str]:
    """Every CSV by its path in the results folder, without partial results.

    `<task>.csv` has a row for each model with every metric and its rank, 1 + the number of models that are
    significantly better; `leaderboard.csv` the primary metric of each task, averages and facts; `all.csv`
    every metric of every result; `costs.csv` what each took, and on what. Seeds of one row are one row of
    `leaderboard.csv`, their mean, and `seeds.csv` says how they spread; `base_to_new.csv` sets tasks `X@base`
    and `X@new` side by side, `few_shot.csv` has scores against shots, and `effective_robustness.csv` variants
    of ImageNet and what a fit of the additions expects there. Only `costs.csv` differs where equal results
    were made on other machines or at other times.

    Raises:
        DataError: a task has the name of another CSV or column, or a model has the name of a row of seeds.
    """
    whole = whole_results(results)
    found = averages(whole, additions)
    by_task = found.by_task
    texts = {LEADERBOARD: _leaderboard(found), ALL: _every_metric(whole), COSTS: costs_text(whole)}
    if found.seeds:
        texts[SEEDS] = seeds_text(by_task)
    if any(task.endswith(BASE) for task in by_task):
        texts[BASE_TO_NEW], _ = base_to_new(found.scores, by_task)
    if any("shots" in each.settings for each in whole):
        texts[FEW_SHOT] = few_shot_text(few_shot_curves(by_task, found.seeds)[0])
    if len(by_task) > 1:  # a variant and its reference
        texts[ROBUSTNESS] = robustness_text(by_task, additions.fits())
    texts = {path: text for path, text in texts.items() if text}
    taken = {"model", MEAN, MEAN_RANK, *ROW_FACTS, SPEED, *additions.collections}
    for task, rows in by_task.items():
        if task in taken:
            raise DataError(f"a task named {task!r} would be a second column of that name; rename its card")
        path = f"{file_name(task)}.csv"
        if path in (LEADERBOARD, ALL, COSTS, *_HEADERS):
            raise DataError(f"a task named {task!r} would overwrite {path}; rename its card")
        texts[path] = _task(rows, additions.ranks.get(task, {}))
    return texts


def notes(results: Iterable[Result], additions: Additions = NO_ADDITIONS) -> tuple[str, ...]:
    """Lines about what the tables leave out and why: other questions, missing seeds, tasks without a mean.

    For a task name that only version 0.1 has, a line tells what it is now.
    """
    known = list(results)
    found = averages(known, additions)
    lines = [line for task, column in columns(known).items() for line in _column_notes(task, column)]
    if found.seeds:
        lines += seed_notes(found.by_task, found.seeds, known)
    if any(task.endswith(BASE) for task in found.by_task):
        lines += base_to_new(found.scores, found.by_task)[1]
    if any("shots" in each.settings for each in known):
        lines += few_shot_curves(found.by_task, found.seeds)[1]
    return (*lines, *found.notes)


def _column_notes(task: str, column: TaskColumn) -> Iterator[str]:
    one = column.kept[0]
    method = old_method(task)
    if method:
        yield (
            f"{task}: results of version 0.1, by the task's name; {method} is a method of the row now: run "
            f"`--task {task.removesuffix(f'+{method}')} --method {method}` again"
        )
    differing: dict[tuple[str, ...], list[Result]] = {}
    for result, names in column.left_out:
        differing.setdefault(names, []).append(result)
    for names, results in differing.items():
        who = f"{task}: left out of the ranking: "
        if names == ("protocol",):
            who += ", ".join(f"{each.model} ({each.protocol_digest[:8]})" for each in results)
            yield (
                f"{who}, of another protocol than {one.protocol_digest[:8]}, which most results have; run "
                "them again"
            )
        else:
            who += ", ".join(each.model for each in results)
            yield (
                f"{who}, of other {' and '.join(names)} than {one.model}; run them again on the same data, "
                "or give other data a card and a name of their own"
            )
    if column.untold:
        yield (
            f"{task}: right answers are not told by results of an earlier version: "
            f"{', '.join(column.untold)}; they stand beside others of equal images and texts, run them again "
            "to be sure"
        )


def write_leaderboards(
    folder: Path, additions: Additions = NO_ADDITIONS, *, plot: bool = False
) -> tuple[Result, ...]:
    """Rebuild the CSVs of a folder from its results and return the results.

    Tables of missing tasks are removed. Ranks come from the folder's per-item records, not from the
    additions. Existing pictures of few-shot curves are rebuilt as well; with `plot`, they are made for every
    task with curves.

    Raises:
        DataError: there is no such folder, or a result or a per-item record in it is damaged.
    """
    results = read_results(folder)
    for path, text in _stale(folder, results, additions, plot=plot).items():
        if text is None:
            (folder / path).unlink()
        else:
            write_atomically(folder / path, text)
    return results


def stale_leaderboards(
    folder: Path, additions: Additions = NO_ADDITIONS, *, plot: bool = False
) -> tuple[str, ...]:
    """The CSVs and pictures that are missing, differ from the results, or have no results left; sorted.

    Without `plot`, no picture counts as missing.

    Raises:
        DataError: there is no such folder, or a result or a per-item record in it is damaged.
    """
    return tuple(sorted(_stale(folder, read_results(folder), additions, plot=plot)))


def pictures_of(folder: Path) -> tuple[str, ...]:
    """The sorted names of a folder's pictures of few-shot curves, recognised by their first bytes."""
    found = []
    for place in folder.glob(f"*{PICTURE}"):
        with place.open("rb") as file:
            if file.read(len(ROOT)) == ROOT.encode():
                found.append(place.name)
    return tuple(sorted(found))


def with_ranks(folder: Path, results: Iterable[Result], additions: Additions) -> Additions:
    """Add the ranks of a folder's models on each task, from tests on the per-item records there.

    Raises:
        DataError: a record is damaged, or from another run than its result.
    """
    ranks = {}
    for task, column in columns(results).items():
        # numpy is imported here, so that a folder without records is read without it
        if not any((folder / file_name(task)).glob("*.items.npz")):
            continue
        from vlbench.report.paired.items import has_items, read_items
        from vlbench.report.tables.column_ranks import column_ranks

        ranks[task] = column_ranks(
            column.kept, {row.model: read_items(folder, row) for row in column.kept if has_items(folder, row)}
        )
    return replace(additions, ranks=ranks)


def _stale(
    folder: Path, results: Sequence[Result], additions: Additions, *, plot: bool
) -> dict[str, str | None]:
    """The files that a folder lacks or has with another text, each with the right text.

    None for one to remove. Files to remove are recognised by header or root, so a user's own files are left
    alone.
    """
    texts = dict(leaderboards(results, with_ranks(folder, results, additions)))
    pictures = pictures_of(folder)
    if plot or pictures:
        # what draws is imported here, so that a run without pictures starts without it
        from vlbench.report.tables.few_shot_picture import few_shot_files

        whole = whole_results(results)
        by_task = {task: column.kept for task, column in columns(whole).items()}
        drawn = few_shot_files(few_shot_curves(by_task, seeds_by_row(whole))[0])
        texts |= {name: text for name, text in drawn.items() if plot or name in pictures}
    found: dict[str, str | None] = {}
    for path, text in texts.items():
        place = folder / path
        if not (place.is_file() and place.read_bytes() == text.encode()):
            found[path] = text
    tails = tuple(f",{','.join([RANK, *facts])}\n".encode() for facts in (_FACTS, _OLD_FACTS))
    for place in folder.glob("*.csv"):
        if place.name not in texts:
            with place.open("rb") as file:
                header = file.readline()
            is_task = header.startswith(b"model,") and header.endswith(tails)
            if is_task or header.decode("utf-8", "replace") == _HEADERS.get(place.name):
                found[place.name] = None
    return found | {name: None for name in pictures if name not in texts}


def _leaderboard(found: Averages) -> str:
    """The text of `leaderboard.csv`: for each row its score on each task, averages, mean rank and facts.

    Collections and mean ranks that no row has are left out. Rows of seeds have no rank.
    """
    tasks, members = sorted(found.by_task), by_row(chain.from_iterable(found.by_task.values()))
    summaries = {**found.collections, MEAN_RANK: found.mean_rank}
    shown = {
        name: cells for name, cells in summaries.items() if any(cell is not None for cell in cells.values())
    }
    lines = [
        [
            row,
            *(number(scores.get(task)) for task in tasks),
            number(found.mean[row]),
            *(number(cells[row]) for cells in shown.values()),
            *row_facts(members.get(row, ())).values(),
        ]
        for row, scores in sorted(found.scores.items())
    ]
    return Table(["model", *tasks, MEAN, *shown, *ROW_FACTS], lines).csv()


def _task(rows: Sequence[Result], ranks: Mapping[str, int]) -> str:
    measured = (value.metric for row in rows for value in row.metrics)
    metrics = list(dict.fromkeys([rows[0].primary, *measured]))
    lines = []
    for row in rows:
        values = {value.metric: value.value for value in row.metrics}
        cells = [number(values.get(metric)) for metric in metrics]
        rank = ranks.get(row.model, "")
        lines.append([row.model, *cells, rank, *(_told(row, name) for name in _FACTS)])
    return Table(["model", *metrics, RANK, *_FACTS], lines).csv()


def _every_metric(results: Iterable[Result]) -> str:
    """The text of `all.csv`."""
    lines = []
    for each in results:
        names, rest = ([_told(each, name) for name in columns] for columns in (_NAMES, _REST))
        for value in each.metrics:
            numbers = map(number, (value.value, value.ci_low, value.ci_high))
            lines.append([*names, value.metric, *numbers, value.n, value.ci_method, value.left_out, *rest])
    return Table([*_NAMES, *_MEASURED, *_REST], lines).csv()


def _told(result: Result, name: str) -> object:
    """The cell of a result in a column: a field, setting or fact; empty if it has none."""
    match name:
        case "model_digest":
            return result.digests.get("model", "")
        case "source":
            return source_text(result.source)
        case "precision" | "preprocess":
            return result.settings.get(name, "")
    return result.facts.get(name, "") if name in CARD_FACTS else getattr(result, name)
