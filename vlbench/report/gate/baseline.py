"""Baselines: a CSV that results are compared with, kept with the code and read in diffs."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.files import write_atomically
from vlbench.core.measurement import Measurement
from vlbench.core.metric import old_kind, out_of_range
from vlbench.core.result import Result
from vlbench.core.text_file import csv_rows, read_text
from vlbench.report.csv_text import unguarded
from vlbench.report.table import Table, number


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """A metric of a model on a task, and how it was measured. The fields are the columns of the CSV.

    `value` and its 95 % interval go from `least` to `most`, where None means no end; they are None if they
    could not be measured. `weights` is a digest of the contents of all weight files. `image_ids`, `texts`,
    `truth` (what is right), `validation` and `training` (images that a method learned from) are digests of
    the result, empty where it has none. `device` is the kind of device, such as cuda. A baseline of an
    earlier version lacks the columns `left_out` to `device`, which are then None, and the later ones, which
    are then derived from the metric's name.
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
    left_out: int | None = None
    n_images: int | None = None
    n_relevant: int | None = None
    truth: str | None = None
    validation: str | None = None
    training: str | None = None
    source_revision: str | None = None
    device: str | None = None
    lower_is_better: bool = False
    least: float | None = 0.0
    most: float | None = 1.0


COLUMNS = tuple(field.name for field in fields(BaselineRow))
HEADER = ",".join(COLUMNS)
"""The first line of a baseline."""
_NEEDED = tuple(field.name for field in fields(BaselineRow) if field.default is MISSING)
_MEND = "restore the file or write it anew"


def rows_of(results: Iterable[Result]) -> tuple[BaselineRow, ...]:
    """The rows of results, sorted by model, task and metric, without partial results."""
    whole = (result for result in results if not result.partial)
    rows = [_row(result, metric) for result in whole for metric in result.metrics]
    return tuple(sorted(rows, key=lambda row: (row.model, row.task, row.metric)))


def rows_by_pair(rows: Iterable[BaselineRow]) -> dict[tuple[str, str], dict[str, BaselineRow]]:
    """Rows by (model, task), then by metric, in their order."""
    pairs: dict[tuple[str, str], dict[str, BaselineRow]] = {}
    for row in rows:
        pairs.setdefault((row.model, row.task), {})[row.metric] = row
    return pairs


def baseline_text(rows: Iterable[BaselineRow]) -> str:
    """The text of a baseline."""
    return Table(COLUMNS, [[_cell(value) for value in astuple(row)] for row in rows]).csv()


def write_baseline(path: Path, rows: Sequence[BaselineRow]) -> None:
    """Write a baseline atomically. A file with the same content is not touched.

    Raises:
        DataError: there are no rows.
    """
    if not rows:
        raise DataError(f"{path}: no whole result to make a baseline of; run a model first")
    text = baseline_text(rows)
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_atomically(path, text)


def read_baseline(path: Path) -> tuple[BaselineRow, ...]:
    """The rows of a baseline, in the file's order; its columns may have any order.

    Raises:
        DataError: there is no such file, it is not a baseline, it has no rows, or a line is damaged.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such baseline; `vlbench check --baseline {path} --update` writes it")
    text = read_text(path, newline="")
    lines = csv_rows(text, str(path), _MEND)
    _, columns = next(lines, (1, []))
    if not set(_NEEDED) <= set(columns) <= set(COLUMNS) or len(set(columns)) < len(columns):
        raise DataError(
            f"{path}: not a baseline of this version: its first line is not {HEADER}; name another file, "
            "or remove it and write it anew with `vlbench check --update`"
        )
    if not text.endswith("\n"):
        raise DataError(f"{path}: cut off in line {text.count(chr(10)) + 1}; {_MEND}")
    rows: dict[tuple[str, str, str], BaselineRow] = {}
    for position, cells in lines:
        where = f"{path}: line {position}"
        if len(cells) != len(columns):
            raise DataError(f"{where}: {len(cells)} cells in place of {len(columns)}; {_MEND}")
        row = _parse(dict(zip(columns, map(unguarded, cells), strict=True)), where)
        if rows.setdefault((row.model, row.task, row.metric), row) is not row:
            raise DataError(f"{where}: a second row of {row.model} on {row.task}, {row.metric}")
    if not rows:
        raise DataError(
            f"{path}: holds no value, so that it would let everything pass; restore it, or remove it and "
            "write it anew with `vlbench check --update`"
        )
    return tuple(rows.values())


def _row(result: Result, metric: Measurement) -> BaselineRow:
    return BaselineRow(
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
        # a digest of what the files hold, whatever their names and order
        weights=digest_of_strings(sorted(result.weights.values())) if result.weights else "",
        image_ids=result.digests.get("image_ids", ""),
        texts=result.digests.get("texts", ""),
        left_out=metric.left_out,
        n_images=result.n_images,
        n_relevant=result.n_relevant,
        truth=result.digests.get("truth", ""),
        validation=result.digests.get("validation_image_ids", ""),
        training=result.digests.get("train_image_ids", ""),
        source_revision=result.source_revision,
        device=str(result.settings.get("device", "")).partition(":")[0],
        lower_is_better=metric.lower_is_better,
        least=metric.least,
        most=metric.most,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if value is None or isinstance(value, float) else value


def _parse(cells: Mapping[str, str], where: str) -> BaselineRow:
    kind = dict(zip(("lower_is_better", "least", "most"), old_kind(cells["metric"]), strict=True))
    values: dict[str, Any] = {**kind, **cells}
    for name, read in _READERS.items():
        try:
            if name in cells:
                values[name] = read(cells[name])
        except ValueError as error:
            raise DataError(f"{where}: {error} in {name}; {_MEND}") from error
    row = BaselineRow(**values)
    wrong = out_of_range(row.value, row.least, row.most)
    if wrong:
        raise DataError(f"{where}: {row.metric} is {wrong}; {_MEND}")
    return row


def _number(text: str) -> float | None:
    """A number; None for an empty cell or `nan`."""
    value = float(text or "nan")
    if math.isinf(value):
        raise ValueError("infinity is no score")
    return None if math.isnan(value) else value


def _is_yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


_READERS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("n", "left_out", "n_images", "n_relevant"), int),
    **dict.fromkeys(("value", "ci_low", "ci_high", "least", "most"), _number),
    "lower_is_better": _is_yes,
}
"""How cells of columns without text are read."""
