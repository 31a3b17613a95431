"""Leaderboards: CSVs made from results alone, byte-identical whatever the order of the runs."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.result import MetricValue, Result
from vlbench.report.results import read_results

LEADERBOARD = "leaderboard.csv"
ALL = "all.csv"

_FACTS: Mapping[str, Callable[[Result], object]] = {
    "n_images": lambda result: result.n_images,
    "n_texts": lambda result: result.n_texts,
    "protocol": lambda result: result.protocol,
    "protocol_digest": lambda result: result.protocol_digest,
    "precision": lambda result: result.settings.get("precision", ""),
    "preprocess": lambda result: result.settings.get("preprocess", ""),
    "model_digest": lambda result: result.digests.get("model", ""),
}
"""The columns of a task's CSV behind its metrics; they tell it from a user's own CSV."""

_LONG: Mapping[str, Callable[[Result, MetricValue], object]] = {
    "model": lambda result, _: result.model,
    "task": lambda result, _: result.task,
    "protocol": lambda result, _: result.protocol,
    "metric": lambda _, metric: metric.metric,
    "value": lambda _, metric: _number(metric.value),
    "ci_low": lambda _, metric: _number(metric.ci_low),
    "ci_high": lambda _, metric: _number(metric.ci_high),
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
    "source": lambda result, _: result.source,
    "source_revision": lambda result, _: result.source_revision,
}
"""The columns of `all.csv`, and what each says of a metric of a result."""


def leaderboards(results: Iterable[Result]) -> Mapping[str, str]:
    """Every CSV by its path in the results folder; partial results are in none.

    `<task>.csv` has a row for each model with every metric; `leaderboard.csv` the primary metric of
    each task, and their mean where a model has them all; `all.csv` every metric of every result.

    Raises:
        DataError: a task's name is that of another CSV.
    """
    whole = _whole(results)
    by_task = {task: _of_one_protocol(rows) for task, rows in _by_task(whole).items()}
    texts = {LEADERBOARD: _leaderboard(by_task), ALL: _all(whole)}
    for task, rows in by_task.items():
        path = f"{file_name(task)}.csv"
        if path in texts:
            raise DataError(f"a task named {task!r} would overwrite {path}; rename its card")
        texts[path] = _task(rows)
    return texts


def notes(results: Iterable[Result]) -> tuple[str, ...]:
    """A line for each task whose results follow several protocols: who is left out, and why."""
    lines = []
    for task, rows in _by_task(_whole(results)).items():
        kept = _of_one_protocol(rows)
        left_out = [row for row in rows if row.protocol_digest != kept[0].protocol_digest]
        if left_out:
            who = ", ".join(f"{row.model} ({row.protocol_digest[:8]})" for row in left_out)
            lines.append(
                f"{task}: left out of the ranking: {who}, of another protocol than "
                f"{kept[0].protocol_digest[:8]}, which most results have; run them again"
            )
    return tuple(lines)


def write_leaderboards(folder: Path) -> tuple[Result, ...]:
    """Rebuild the CSVs of a folder from its results, which are returned; tables of absent tasks go.

    Raises:
        DataError: there is no such folder, or a result in it is damaged.
    """
    results = _read_folder(folder)
    texts = leaderboards(results)
    for path, text in texts.items():
        if not _holds(folder / path, text):
            write_atomically(folder / path, text)
    for path in _superfluous(folder, texts):
        (folder / path).unlink()
    return results


def stale_leaderboards(folder: Path) -> tuple[str, ...]:
    """CSVs that are missing, differ from what the results say, or have no results left; sorted.

    Raises:
        DataError: there is no such folder, or a result in it is damaged.
    """
    texts = leaderboards(_read_folder(folder))
    differing = [path for path, text in texts.items() if not _holds(folder / path, text)]
    return tuple(sorted([*differing, *_superfluous(folder, texts)]))


def _read_folder(folder: Path) -> tuple[Result, ...]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such results folder; `vlbench run` makes one, --results names another")
    return read_results(folder)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _superfluous(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Tables of tasks without results, known by their header: a user's own CSVs are left alone."""
    tail = f",{','.join(_FACTS)}\n".encode()
    found = []
    for path in folder.glob("*.csv"):
        if path.name not in texts:
            with path.open("rb") as file:
                header = file.readline()
            if header.startswith(b"model,") and header.endswith(tail):
                found.append(path.name)
    return found


def _whole(results: Iterable[Result]) -> list[Result]:
    return sorted((r for r in results if not r.partial), key=lambda result: (result.task, result.model))


def _by_task(results: Iterable[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.task, []).append(result)
    return groups


def _of_one_protocol(rows: Sequence[Result]) -> list[Result]:
    """The rows of the digest most of them share; of equally common ones the smallest."""
    counts = Counter(row.protocol_digest for row in rows)
    winner = min(counts, key=lambda digest: (-counts[digest], digest))
    return [row for row in rows if row.protocol_digest == winner]


def _leaderboard(by_task: Mapping[str, Sequence[Result]]) -> str:
    tasks = sorted(by_task)
    scores: dict[str, dict[str, float | None]] = {}
    for task in tasks:
        for row in by_task[task]:
            scores.setdefault(row.model, {})[task] = row.score
    lines = []
    for model in sorted(scores):
        cells = [scores[model].get(task) for task in tasks]
        known = [cell for cell in cells if cell is not None]
        mean = sum(known) / len(tasks) if len(known) == len(tasks) else None
        lines.append([model, *map(_number, cells), _number(mean)])
    return _csv(["model", *tasks, "mean"], lines)


def _task(rows: Sequence[Result]) -> str:
    measured = (value.metric for row in rows for value in row.metrics)
    metrics = list(dict.fromkeys([rows[0].primary, *measured]))
    lines = []
    for row in rows:
        values = {value.metric: value.value for value in row.metrics}
        cells = [_number(values.get(metric)) for metric in metrics]
        lines.append([row.model, *cells, *(say(row) for say in _FACTS.values())])
    return _csv(["model", *metrics, *_FACTS], lines)


def _all(results: Sequence[Result]) -> str:
    pairs = ((result, value) for result in results for value in result.metrics)
    return _csv([*_LONG], ([say(*pair) for say in _LONG.values()] for pair in pairs))


def _number(value: float | None) -> str:
    """Six decimals; nothing for None; zero has no sign."""
    return "" if value is None else f"{round(value, 6) + 0.0:.6f}"


def _csv(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return buffer.getvalue()
