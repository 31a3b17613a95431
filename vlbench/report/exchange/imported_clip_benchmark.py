"""CLIP_benchmark's results: one JSON per run, or the CSV that `clip_benchmark build` makes from them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.text_file import read_json
from vlbench.report.exchange.export import EXPORTER
from vlbench.report.exchange.imported import TheirScore, fraction_text, rows_of_csv

_NAMES = ("dataset", "model", "pretrained", "task")
_OTHER = frozenset({*_NAMES, "language", "model_fullname", EXPORTER})
_TASKS = ("zeroshot_classification", "zeroshot_retrieval")
_ENGLISH = ("", "en")
_LAYOUT = "`dataset`, `model`, `pretrained`, `task` and metrics"


def read_clip_benchmark(path: Path) -> tuple[TheirScore, ...]:
    """Every score in a JSON file or a CSV, without NaN (what the tool could not compute) and lists.

    Raises:
        DataError: the file has another layout, or a value is not a fraction.
    """
    read = _rows_of_csv if path.suffix.lower() == ".csv" else _rows_of_json
    return tuple(score for where, row, metrics in read(path) for score in _scores(where, row, metrics))


TheirRun = tuple[str, Mapping[str, str], Mapping[str, object]]


def _rows_of_json(path: Path) -> Iterator[TheirRun]:
    value = read_json(path, mend="a result of CLIP_benchmark is JSON, or a CSV whose name ends in .csv")
    for run in value if isinstance(value, list) else [value]:
        metrics = run.get("metrics") if isinstance(run, dict) else None
        if (
            not isinstance(run, dict)
            or not isinstance(metrics, dict)
            or not all(isinstance(run.get(name), str) for name in _NAMES)
        ):
            raise DataError(f"{path}: not a result of CLIP_benchmark: {_LAYOUT} are missing")
        if not isinstance(run.get("language") or "", str):
            raise DataError(
                f"{path}: not a result of CLIP_benchmark: language is {run['language']!r}, no text"
            )
        wrong = [name for name, value in metrics.items() if isinstance(value, str | dict)]
        if wrong:
            raise DataError(f"{path}: {wrong[0]} is {metrics[wrong[0]]!r}, no number")
        numbers = {
            name: number
            for name, number in metrics.items()
            if isinstance(number, int | float) and not isinstance(number, bool)
        }
        yield str(path), {name: str(run.get(name) or "") for name in (*_NAMES, "language", EXPORTER)}, numbers


def _rows_of_csv(path: Path) -> Iterator[TheirRun]:
    lacking = f"not a table of CLIP_benchmark: line 1 lacks one of {', '.join(_NAMES)}"
    for where, row in rows_of_csv(path, [_NAMES], lacking)[1]:
        metrics = {name: text for name, text in row.items() if name not in _OTHER and text.strip()}
        yield where, {name: row.get(name, "") for name in (*_NAMES, "language", EXPORTER)}, metrics


def _scores(where: str, row: Mapping[str, str], metrics: Mapping[str, object]) -> Iterator[TheirScore]:
    language = row["language"]
    for metric, value in metrics.items():
        yield TheirScore(
            model=row["model"],
            pretrained=row["pretrained"],
            dataset=row["dataset"],
            metric=metric,
            text=fraction_text(value, f"{where}, {metric}"),
            language="" if language in _ENGLISH else language,
            differs="" if row["task"] in _TASKS else f"question: {row['task']}",
            exporter=row[EXPORTER],
        )
