"""Scores from other tools' result files: rows marked as theirs, in a folder of their own."""

import csv
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.published import PublishedScore, printed_value
from vlbench.report.csv_text import csv_text

FOLDER = "imported"
"""Of a results folder; `vlbench run` and `vlbench leaderboard` read no JSON there and mix none of it in."""

_LEAST_DIGITS = 4
_MARK_DIGITS = 6
SHOWN = ("system", "model", "task", "metric", "value", "differs")
"""The columns of tables that people read."""
HEAD = ("system", "model", "card", "dataset", "task", "metric", "value", "differs", "file")


@dataclass(frozen=True, slots=True)
class TheirScore:
    """A score as another tool states it: its names, and the value's text, a fraction.

    `pretrained` is the tag or file of the weights, `language` that of the texts where it is not English.
    `differs` says what of its protocol is known to be another than ours.
    """

    model: str
    pretrained: str
    dataset: str
    metric: str
    text: str
    language: str = ""
    differs: str = ""


@dataclass(frozen=True, slots=True)
class ImportedScore:
    """A score of another tool, under its names and, where we have cards for them, under ours."""

    system: str
    model: str
    card: str
    dataset: str
    task: str
    metric: str
    text: str
    differs: str
    file: str

    @property
    def published(self) -> PublishedScore | None:
        """The score as one to set results beside; None where no card stands for its model or data set."""
        if not (self.card and self.task):
            return None
        source = f"{self.system}: {self.file} (imported)"
        return PublishedScore.of_text(
            self.card, self.task, self.metric, text=self.text, source=source, differs=self.differs
        )


def imported_score(
    theirs: TheirScore,
    *,
    system: str,
    file: str,
    card_of: Callable[[str, str], str],
    task_of: Callable[[str, str], str],
) -> ImportedScore:
    """A tool's score under our names too: of (model, pretrained) and of (data set, language)."""
    return ImportedScore(
        system=system,
        model="/".join(filter(None, (theirs.model, theirs.pretrained))),
        card=card_of(theirs.model, theirs.pretrained),
        dataset="/".join(filter(None, (theirs.dataset, theirs.language))),
        task=task_of(theirs.dataset, theirs.language),
        metric=theirs.metric,
        text=theirs.text,
        differs=theirs.differs,
        file=file,
    )


def write_imported(scores: Sequence[ImportedScore], folder: Path) -> Path:
    """Write the scores of one file of a tool under a results folder; an earlier import of it is replaced.

    Tools call the JSON files of many runs the same: one of a single model bears a mark of its own.
    """
    first = scores[0]
    stem = f"{file_name(first.system)}-{file_name(Path(first.file).stem)}"
    path = folder / FOLDER / f"{stem}{_mark(scores)}.csv"
    lines = sorted(_cells(score) for score in scores)
    write_atomically(path, csv_text(HEAD, lines))
    return path


def read_imported(folder: Path) -> tuple[ImportedScore, ...]:
    """All imported scores of a results folder, file by file.

    Raises:
        DataError: a CSV there is not one that `vlbench import` wrote.
    """
    found: list[ImportedScore] = []
    for path in sorted((folder / FOLDER).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file)) or [[]]
        if tuple(head) != HEAD or any(len(row) != len(HEAD) for row in rows):
            raise DataError(f"{path}: not written by `vlbench import`; delete it and import the file again")
        for row in rows:
            fraction_text(row[HEAD.index("value")], str(path))
            found.append(_score(row))
    return tuple(found)


def imported_cells(scores: Iterable[ImportedScore], tasks: Container[str]) -> list[list[str]]:
    """Cells under the headers `SHOWN` of the scores on some tasks."""
    return [
        [
            each.system,
            each.card or each.model,
            each.task,
            each.metric,
            f"{float(each.text):.4f}",
            each.differs,
        ]
        for each in scores
        if each.task in tasks
    ]


def imported_table(scores: Iterable[ImportedScore], tasks: Container[str]) -> str:
    """The imported scores on tasks that we have results of, for a terminal, and how many others there are.

    Models and tasks bear our names where cards stand for them. Empty where nothing was imported.
    """
    rows = list(scores)
    cells = imported_cells(rows, tasks)
    if not rows:
        return ""
    others = len(rows) - len(cells)
    lines = ["Imported, measured by other tools:"]
    if cells:
        lines.append(tabulate(cells, headers=SHOWN, tablefmt="simple", disable_numparse=True))
    if others:
        lines.append(f"and {others} scores on tasks without a result here")
    return "\n".join(lines)


def fraction_text(value: object, where: str) -> str:
    """A number of a tool's file as the text of a fraction: its digits, and at least four behind the point.

    Files drop zeros at the end (`0.7`), which are no lack of precision.

    Raises:
        DataError: it is no number, or none between 0 and 1.
    """
    text = value.strip() if isinstance(value, str) else repr(value)
    if "e" in text.lower():
        text = f"{_number(text, where):.12f}".rstrip("0")
    number = _number(text, where)
    if not 0 <= number <= 1:
        raise DataError(f"{where}: {text} is no fraction between 0 and 1; is the file one of percentages?")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(_LEAST_DIGITS, '0')}"


def _number(text: str, where: str) -> float:
    try:
        return float(text) if "e" in text.lower() else printed_value(text)[0]
    except (ValueError, DataError) as error:
        raise DataError(f"{where}: {text[:40]!r} is no number") from error


def _mark(scores: Sequence[ImportedScore]) -> str:
    """What tells a run's JSON from those of other models or data sets; empty for tables of many."""
    models, datasets = ({getattr(score, name) for score in scores} for name in ("model", "dataset"))
    if Path(scores[0].file).suffix.lower() != ".json" or len(models) > 1:
        return ""
    return f"-{digest_of([*models, *(datasets if len(datasets) == 1 else ())])[:_MARK_DIGITS]}"


def _cells(score: ImportedScore) -> list[str]:
    fields: Mapping[str, str] = {
        "system": score.system,
        "model": score.model,
        "card": score.card,
        "dataset": score.dataset,
        "task": score.task,
        "metric": score.metric,
        "value": score.text,
        "differs": score.differs,
        "file": score.file,
    }
    return [fields[name] for name in HEAD]


def _score(row: Sequence[str]) -> ImportedScore:
    system, model, card, dataset, task, metric, text, differs, file = row
    return ImportedScore(system, model, card, dataset, task, metric, text, differs, file)
