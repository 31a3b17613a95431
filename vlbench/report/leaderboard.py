"""Leaderboards: CSVs made from results alone, byte-identical whatever the order of the runs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.measurement import Measurement
from vlbench.core.result import Result
from vlbench.report.averages import MEAN, MEAN_RANK, NO_ADDITIONS, Additions, averages
from vlbench.report.base_to_new import (
    BASE_TO_NEW,
    BASE_TO_NEW_HEAD,
    base_to_new_notes,
    base_to_new_text,
)
from vlbench.report.comparable import Column, columns, comparable_results, whole_results
from vlbench.report.csv_text import csv_text, number
from vlbench.report.leaderboard_rows import ROW_FACTS, leaderboard_text, speed_text
from vlbench.report.results import read_results, source_text
from vlbench.report.robustness import ROBUSTNESS, ROBUSTNESS_HEAD, robustness_text
from vlbench.report.seeds import SEEDS, SEEDS_HEAD, row_scores, seed_notes, seeds_by_row, seeds_text
from vlbench.report.task_name import TaskName

LEADERBOARD = "leaderboard.csv"
ALL = "all.csv"
_HEADERS = {
    SEEDS: csv_text(SEEDS_HEAD, ()),
    BASE_TO_NEW: csv_text(BASE_TO_NEW_HEAD, ()),
    ROBUSTNESS: csv_text(ROBUSTNESS_HEAD, ()),
}
"""Tables that only some results make, and the headers that tell them from a user's own CSV."""

_FACTS: Mapping[str, Callable[[Result], object]] = {
    "n_images": lambda result: result.n_images,
    "n_texts": lambda result: result.n_texts,
    "protocol": lambda result: result.protocol,
    "protocol_digest": lambda result: result.protocol_digest,
    "precision": lambda result: result.settings.get("precision", ""),
    "preprocess": lambda result: result.settings.get("preprocess", ""),
    "model_digest": lambda result: result.digests.get("model", ""),
    "zero_shot": lambda result: result.zero_shot,
    "parameters": lambda result: result.facts.get("parameters", ""),
    "gflops": lambda result: result.facts.get("gflops", ""),
    "image_size": lambda result: result.facts.get("image_size", ""),
    "images_per_second": lambda result: speed_text([result]),
    "licence": lambda result: result.facts.get("licence", ""),
}
"""The columns of a task's CSV behind its metrics and its rank; they tell it from a user's own CSV."""

RANK = "rank"

_LONG: Mapping[str, Callable[[Result, Measurement], object]] = {
    "model": lambda result, _: result.model,
    "task": lambda result, _: result.task,
    "protocol": lambda result, _: result.protocol,
    "metric": lambda _, metric: metric.metric,
    "value": lambda _, metric: number(metric.value),
    "ci_low": lambda _, metric: number(metric.ci_low),
    "ci_high": lambda _, metric: number(metric.ci_high),
    "n": lambda _, metric: metric.n,
    "ci_method": lambda _, metric: metric.ci_method,
    "left_out": lambda _, metric: metric.left_out,
    "primary": lambda result, _: result.primary,
    "kind": lambda result, _: result.kind,
    "n_images": lambda result, _: result.n_images,
    "n_texts": lambda result, _: result.n_texts,
    "protocol_digest": lambda result, _: result.protocol_digest,
    "precision": lambda result, _: result.settings.get("precision", ""),
    "preprocess": lambda result, _: result.settings.get("preprocess", ""),
    "device": lambda result, _: result.settings.get("device", ""),
    "adapter": lambda result, _: result.adapter,
    "model_digest": lambda result, _: result.digests.get("model", ""),
    "source": lambda result, _: source_text(result.source),
    "source_revision": lambda result, _: result.source_revision,
    "zero_shot": lambda result, _: result.zero_shot,
}
"""The columns of `all.csv`, and what each says of a metric of a result."""


def leaderboards(results: Iterable[Result], additions: Additions = NO_ADDITIONS) -> Mapping[str, str]:
    """Every CSV by its path in the results folder; partial results are in none.

    `<task>.csv` has a row for each model with every metric and its rank, 1 + the number of models that are
    significantly better; `leaderboard.csv` the primary metric of each task, averages and facts; `all.csv`
    every metric of every result. Seeds of one row are one row of `leaderboard.csv`, their mean, and
    `seeds.csv` says how they spread; `base_to_new.csv` sets tasks `X@base` and `X@new` side by side, and
    `effective_robustness.csv` variants of ImageNet and what a fit of the additions expects there.

    Raises:
        DataError: a task's name is that of another CSV or column, or a model's that of a row of seeds.
    """
    whole = whole_results(results)
    by_task = comparable_results(whole)
    seeds = seeds_by_row(whole)
    scores = row_scores(by_task, seeds)
    found = averages(by_task, scores, seeds, additions)
    some = {
        SEEDS: seeds_text(by_task),
        BASE_TO_NEW: base_to_new_text(scores, by_task),
        ROBUSTNESS: robustness_text(by_task, additions.fits),
    }
    texts = {LEADERBOARD: leaderboard_text(scores, by_task, found), ALL: _all(whole)}
    texts |= {path: text for path, text in some.items() if text}
    columns = {"model", MEAN, MEAN_RANK, *ROW_FACTS, *additions.collections}
    for task, rows in by_task.items():
        if task in columns:
            raise DataError(f"a task named {task!r} would be a second column of that name; rename its card")
        path = f"{file_name(task)}.csv"
        if path in (LEADERBOARD, ALL, *some):
            raise DataError(f"a task named {task!r} would overwrite {path}; rename its card")
        texts[path] = _task(rows, additions.ranks.get(task, {}))
    return texts


def notes(results: Iterable[Result], additions: Additions = NO_ADDITIONS) -> tuple[str, ...]:
    """What tables leave out and why: answers to other questions, seeds that a row lacks, tasks of no mean.

    A task whose name is one of version 0.1 alone is told what it is now.
    """
    known = list(results)
    whole = whole_results(known)
    by_task = columns(whole)
    lines = [line for task, column in by_task.items() for line in _column_notes(task, column)]
    kept = {task: column.kept for task, column in by_task.items()}
    seeds = seeds_by_row(whole)
    scores = row_scores(kept, seeds)
    found = averages(kept, scores, seeds, additions)
    return (*lines, *seed_notes(kept, seeds, known), *base_to_new_notes(scores, kept), *found.notes)


def _column_notes(task: str, column: Column) -> Iterator[str]:
    one = column.kept[0]
    method = TaskName.of(task).old_method
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


def write_leaderboards(folder: Path, additions: Additions = NO_ADDITIONS) -> tuple[Result, ...]:
    """Rebuild the CSVs of a folder from its results, which are returned; tables of absent tasks go.

    Ranks are those of the folder's per-item records, whatever the additions say.

    Raises:
        DataError: there is no such folder, or a result or a per-item record in it is damaged.
    """
    results = _read_folder(folder)
    texts = leaderboards(results, with_ranks(folder, results, additions))
    for path, text in texts.items():
        if not _holds(folder / path, text):
            write_atomically(folder / path, text)
    for path in _superfluous(folder, texts):
        (folder / path).unlink()
    return results


def stale_leaderboards(folder: Path, additions: Additions = NO_ADDITIONS) -> tuple[str, ...]:
    """CSVs that are missing, differ from what the results say, or have no results left; sorted.

    Raises:
        DataError: there is no such folder, or a result or a per-item record in it is damaged.
    """
    results = _read_folder(folder)
    texts = leaderboards(results, with_ranks(folder, results, additions))
    differing = [path for path, text in texts.items() if not _holds(folder / path, text)]
    return tuple(sorted([*differing, *_superfluous(folder, texts)]))


def with_ranks(folder: Path, results: Iterable[Result], additions: Additions) -> Additions:
    """The additions with the ranks of a folder's models, task by task, from the per-item records there.

    Raises:
        DataError: a record is damaged, or of another run than its result.
    """
    ranks = {}
    for task, rows in comparable_results(results).items():
        # numpy is imported here, so that a folder without records is read without it
        if not any((folder / file_name(task)).glob("*.items.npz")):
            continue
        from vlbench.report.column_ranks import column_ranks
        from vlbench.report.items import has_items, read_items

        ranks[task] = column_ranks(
            rows, {row.model: read_items(folder, row) for row in rows if has_items(folder, row)}
        )
    return replace(additions, ranks=ranks)


def _read_folder(folder: Path) -> tuple[Result, ...]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such results folder; `vlbench run` makes one, --results names another")
    return read_results(folder)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _superfluous(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Tables that no result makes any more, known by their header: a user's own CSVs are left alone."""
    tail = f",{','.join([RANK, *_FACTS])}\n".encode()
    found = []
    for path in folder.glob("*.csv"):
        if path.name not in texts:
            with path.open("rb") as file:
                header = file.readline()
            is_task = header.startswith(b"model,") and header.endswith(tail)
            if is_task or header.decode("utf-8", "replace") == _HEADERS.get(path.name):
                found.append(path.name)
    return found


def _task(rows: Sequence[Result], ranks: Mapping[str, int]) -> str:
    measured = (value.metric for row in rows for value in row.metrics)
    metrics = list(dict.fromkeys([rows[0].primary, *measured]))
    lines = []
    for row in rows:
        values = {value.metric: value.value for value in row.metrics}
        cells = [number(values.get(metric)) for metric in metrics]
        rank = ranks.get(row.model, "")
        lines.append([row.model, *cells, rank, *(say(row) for say in _FACTS.values())])
    return csv_text(["model", *metrics, RANK, *_FACTS], lines)


def _all(results: Sequence[Result]) -> str:
    pairs = ((result, value) for result in results for value in result.metrics)
    return csv_text([*_LONG], ([say(*pair) for say in _LONG.values()] for pair in pairs))
