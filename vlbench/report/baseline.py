"""A baseline: what results are compared with, a CSV that is kept beside the code and read in a diff."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.files import write_atomically
from vlbench.core.result import MetricValue, Result
from vlbench.report.csv_text import csv_text, number
from vlbench.report.results import read_results


@dataclass(frozen=True, slots=True)
class Row:
    """A metric of a model on a task, and what it was measured with; the fields are the CSV's columns.

    `value` and its 95 % interval are fractions unless the metric's name says otherwise, None where they
    could not be measured. `weights` is a digest of the contents of all weight files; `image_ids` and `texts`
    are the result's digests of those names.
    """

    model: str
    task: str
    metric: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    precision: str
    protocol: str
    protocol_digest: str
    weights: str
    image_ids: str
    texts: str

    @property
    def pair(self) -> tuple[str, str]:
        """The model and the task."""
        return self.model, self.task


COLUMNS = tuple(field.name for field in fields(Row))
HEADER = ",".join(COLUMNS)
"""The first line of a baseline."""
_NUMBERS = ("value", "ci_low", "ci_high")


def rows_of(results: Iterable[Result]) -> tuple[Row, ...]:
    """The rows of results, sorted by model, task and metric; partial results have none."""
    whole = (result for result in results if not result.partial)
    rows = [_row(result, metric) for result in whole for metric in result.metrics]
    return tuple(sorted(rows, key=lambda row: (row.model, row.task, row.metric)))


def rows_of_folder(folder: Path) -> tuple[Row, ...]:
    """The rows of a results folder.

    Raises:
        DataError: there is no such folder, or a result in it is damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such results folder; `vlbench run` makes one, --results names another")
    return rows_of(read_results(folder))


def rows_by_pair(rows: Iterable[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """Rows by (model, task), then by metric, in their order."""
    pairs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        pairs.setdefault(row.pair, {})[row.metric] = row
    return pairs


def baseline_text(rows: Iterable[Row]) -> str:
    """The text of a baseline."""
    return csv_text(COLUMNS, ([_cell(value) for value in astuple(row)] for row in rows))


def write_baseline(path: Path, rows: Sequence[Row]) -> None:
    """Write a baseline whole or not at all; a file that says the same already is left alone.

    Raises:
        DataError: there are no rows.
    """
    if not rows:
        raise DataError(f"{path}: no whole result to make a baseline of; run a model first")
    text = baseline_text(rows)
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_atomically(path, text)


def read_baseline(path: Path) -> tuple[Row, ...]:
    """The rows of a baseline, in the file's order.

    Raises:
        DataError: there is no such file, it is no baseline, or a line of it is damaged.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such baseline; `vlbench check --baseline {path} --update` writes it")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a baseline: not UTF-8; name another file") from error
    lines = text.splitlines()
    if not lines or lines[0] != HEADER:
        raise DataError(
            f"{path}: not a baseline of this version: its first line is not {HEADER}; name another file, "
            "or remove it and write it anew with `vlbench check --update`"
        )
    if not text.endswith("\n"):
        raise DataError(f"{path}: cut off in line {len(lines)}; restore the file or write it anew")
    rows: dict[tuple[str, str, str], Row] = {}
    for position, cells in enumerate(_cells(lines[1:], path), start=2):
        row = _parse(cells, f"{path}, line {position}")
        if rows.setdefault((*row.pair, row.metric), row) is not row:
            raise DataError(
                f"{path}, line {position}: a second row of {row.model} on {row.task}, {row.metric}"
            )
    return tuple(rows.values())


def _cells(lines: Sequence[str], path: Path) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines)
    except csv.Error as error:
        raise DataError(f"{path}: {error}; restore the file or write it anew") from error


def _row(result: Result, metric: MetricValue) -> Row:
    return Row(
        model=result.model,
        task=result.task,
        metric=metric.metric,
        value=_finite(metric.value),
        ci_low=_finite(metric.ci_low),
        ci_high=_finite(metric.ci_high),
        n=metric.n,
        precision=str(result.settings.get("precision", "")),
        protocol=result.protocol,
        protocol_digest=result.protocol_digest,
        weights=_weights_digest(result.weights),
        image_ids=result.digests.get("image_ids", ""),
        texts=result.digests.get("texts", ""),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _weights_digest(weights: Mapping[str, str]) -> str:
    """A digest of what the files hold, whatever their names and order."""
    return digest_of_strings(sorted(weights.values())) if weights else ""


def _cell(value: object) -> object:
    return number(value) if value is None or isinstance(value, float) else value


def _parse(cells: Sequence[str], where: str) -> Row:
    if len(cells) != len(COLUMNS):
        raise DataError(
            f"{where}: {len(cells)} cells in place of {len(COLUMNS)}; restore the file or write it anew"
        )
    named = dict(zip(COLUMNS, cells, strict=True))
    try:
        numbers = {name: float(named.pop(name) or "nan") for name in _NUMBERS}
        n = int(named.pop("n"))
    except ValueError as error:
        raise DataError(f"{where}: {error}; restore the file or write it anew") from error
    if any(map(math.isinf, numbers.values())):
        raise DataError(f"{where}: infinity is no score; restore the file or write it anew")
    found = {name: None if math.isnan(value) else value for name, value in numbers.items()}
    return Row(**named, **found, n=n)  # type: ignore[arg-type]
