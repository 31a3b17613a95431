"""open_clip's published CSVs (docs/openclip_*_results.csv): one row per model, one column per data set.

There are three layouts: classification (35 data sets, or 38 with retrieval), retrieval, and multilingual
retrieval. open_clip_columns.tsv lists what each column measures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import fmean

from vlbench.core.errors import DataError
from vlbench.core.published import printed_value
from vlbench.report.exchange.imported import TheirScore, fraction_text, rows_of_csv

_COLUMNS = "open_clip_columns.tsv"
_MODEL = (("name", "pretrained"), ("model", "version"))
_AVERAGE = "Average perf. on "
_COLUMN_DIGITS = 4
"""The decimals of the classification table's columns; their mean is known to half a unit of the last."""


@dataclass(frozen=True, slots=True)
class StatedAverage:
    """The average that a file states for a row, and the mean of the row's columns."""

    model: str
    column: str
    text: str
    mean: float

    @property
    def agrees(self) -> bool:
        """Whether the stated average can be the mean of the columns before rounding."""
        value, digits = printed_value(self.text)
        rounding = 0.5 * 10.0**-_COLUMN_DIGITS + 0.5 * 10.0**-digits
        return abs(self.mean - value) <= rounding + 1e-9


def read_open_clip(path: Path) -> tuple[tuple[TheirScore, ...], tuple[StatedAverage, ...]]:
    """Every score in a CSV of one of open_clip's layouts, and the averages that it states.

    Raises:
        DataError: the file has another layout, or a cell is not a fraction.
    """
    lacking = (
        "not in open_clip's layout: line 1 has no columns name and pretrained; see "
        "docs/openclip_classification_results.csv of open_clip"
    )
    head, rows = rows_of_csv(path, _MODEL, lacking)
    measures = _measures(head)
    if not measures:
        raise DataError(f"{path}: no column of open_clip's tables; is the header spelled otherwise?")
    scores: list[TheirScore] = []
    averages: list[StatedAverage] = []
    for where, row in rows:
        of_row = list(_row_scores(row, measures, where))
        scores += of_row
        averages += _row_averages(row, of_row)
    return tuple(scores), tuple(averages)


def _measures(head: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Data set, metric and language of each column with scores."""
    text = files("vlbench.report.exchange").joinpath(_COLUMNS).read_text(encoding="utf-8")
    known = {column: rest for column, *rest in (line.split("\t") for line in text.splitlines()[1:])}
    found = {}
    for column in head:
        if column in known:
            dataset, metric = known[column]
            found[column] = (dataset, metric, "")
            continue
        dataset, _, rest = column.partition(" ")
        metric, _, language = rest.partition(" ")
        if language and language != "avg" and "recall@" in metric:
            found[column] = (dataset, metric, language)
    return found


def _row_scores(
    row: Mapping[str, str], measures: Mapping[str, tuple[str, str, str]], where: str
) -> Iterator[TheirScore]:
    model, pretrained = next((row[a], row[b]) for a, b in _MODEL if a in row and b in row)
    for column, (dataset, metric, language) in measures.items():
        if row[column].strip():
            yield TheirScore(
                model=model,
                pretrained=pretrained,
                dataset=dataset,
                metric=metric,
                text=fraction_text(row[column], f"{where}, column {column}"),
                language=language,
            )


def _row_averages(row: Mapping[str, str], scores: Sequence[TheirScore]) -> Iterator[StatedAverage]:
    """The averages over as many data sets as the row has. Other averages mean something else."""
    for column in row:
        if column.startswith(_AVERAGE) and column.split()[-2] == str(len(scores)):
            mean = fmean(float(score.text) for score in scores)
            model = f"{row['name']}/{row['pretrained']}"
            yield StatedAverage(model, column, row[column], mean)
