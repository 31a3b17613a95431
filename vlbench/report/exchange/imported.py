"""Scores from result files of other tools: rows marked with the tool, in a folder of their own."""

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.published import PublishedScore, printed_value
from vlbench.core.text_file import Record, csv_records, csv_rows, read_text
from vlbench.report.csv_text import unguarded
from vlbench.report.table import Table, decimals

FOLDER = "imported"
"""The sub-folder of a results folder; `vlbench run` and `vlbench leaderboard` do not mix it with results."""

_LEAST_DIGITS = 4
_MARK_DIGITS = 6
HEAD = ("system", "model", "card", "dataset", "task", "metric", "value", "differs", "file")
"""The columns of a CSV of imported scores: the fields of `ImportedScore`, in order."""


@dataclass(frozen=True, slots=True)
class TheirScore:
    """A score as another tool states it: the tool's names, and the text of the value, a fraction.

    `pretrained` is the tag or file of the weights, `language` the language of the texts if it is not English.
    `differs` is a known difference from our protocol; `exporter` is who wrote the file, empty for the tool
    itself.
    """

    model: str
    pretrained: str
    dataset: str
    metric: str
    text: str
    language: str = ""
    differs: str = ""
    exporter: str = ""

    @property
    def cell(self) -> tuple[str, ...]:
        """The names that identify the value in a file."""
        return (self.model, self.pretrained, self.dataset, self.language, self.metric, self.differs)


@dataclass(frozen=True, slots=True)
class ImportedScore:
    """A score of another tool, under the tool's names and, where there are cards, under ours."""

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
        """The score as a published one, to compare results with.

        None without a card for its model or data set.
        """
        if not (self.card and self.task):
            return None
        source = f"{self.system}: {self.file} (imported)"
        value, digits = printed_value(self.text)
        return PublishedScore(
            self.card, self.task, self.metric, value, digits, source, differs=self.differs, imported=True
        )


def imported_score(
    theirs: TheirScore,
    *,
    system: str,
    file: str,
    card_of: Callable[[str, str], str],
    task_of: Callable[[str, str], str],
) -> ImportedScore:
    """Add our names to a tool's score, for (model, pretrained) and for (data set, language)."""
    return ImportedScore(
        system=system,
        model="/".join(filter(None, (theirs.model, theirs.pretrained))),
        card=card_of(theirs.model, theirs.pretrained),
        dataset="/".join(filter(None, (theirs.dataset, theirs.language))),
        task=task_of(theirs.dataset, theirs.language),
        metric=theirs.metric,
        text=theirs.text,
        differs=f"exported by {theirs.exporter}: no score of others" if theirs.exporter else theirs.differs,
        file=file,
    )


def refuse_doubled(scores: Iterable[TheirScore], file: Path) -> None:
    """Refuse a file that states a score twice, even with equal values: it is not clear which one counts.

    Raises:
        DataError: with the cell and both values.
    """
    seen: dict[tuple[str, ...], str] = {}
    for score in scores:
        if score.cell in seen:
            name = " ".join(filter(None, score.cell))
            raise DataError(
                f"{file}: states {name} twice, {seen[score.cell]} and {score.text}; keep one of them"
            )
        seen[score.cell] = score.text


def rows_of_csv(
    path: Path, needs: Sequence[Collection[str]], otherwise: str
) -> tuple[list[str], list[Record]]:
    """Read a tool's CSV: its header, and each row by column with the place that messages name.

    Raises:
        DataError: as of `csv_records`, or the header holds none of the sets of columns that it needs
            (`otherwise` says what).
    """
    head, rows = csv_records(read_text(path, newline=""), str(path))
    if not any(set(columns) <= set(head) for columns in needs):
        raise DataError(f"{path}: {otherwise}")
    return head, [(where, {name: unguarded(cell) for name, cell in row.items()}) for where, row in rows]


def write_imported(scores: Sequence[ImportedScore], folder: Path) -> Path:
    """Write the scores of one file of a tool into a results folder.

    An earlier import of the file is replaced. Tools use one name for the JSON files of many runs, so a file
    of a single model gets a mark in its name.
    """
    first = scores[0]
    stem = f"{file_name(first.system)}-{file_name(Path(first.file).stem)}"
    path = folder / FOLDER / f"{stem}{_mark(scores)}.csv"
    write_atomically(path, Table(HEAD, sorted(map(astuple, scores))).csv())
    return path


def known_already(scores: Sequence[ImportedScore], folder: Path) -> int:
    """Count the scores that another file had already, with the same values."""
    names = {score.file for score in scores}
    known = {_same(score) for score in read_imported(folder) if score.file not in names}
    return sum(_same(score) in known for score in scores)


def _same(score: ImportedScore) -> tuple[str, ...]:
    return (score.system, score.model, score.dataset, score.metric, score.differs, score.text)


def read_imported(folder: Path) -> tuple[ImportedScore, ...]:
    """Read all imported scores of a results folder. Equal scores in two files count once.

    Raises:
        DataError: a CSV there was not written by `vlbench import`, or states a score twice.
    """
    found: dict[tuple[str, ...], ImportedScore] = {}
    for path in sorted((folder / FOLDER).glob("*.csv")):
        seen: set[tuple[str, ...]] = set()
        for score in _read(path):
            cell = _same(score)[:-1]
            if cell in seen:
                raise DataError(f"{path}: states {' '.join(filter(None, cell))} twice; {_IMPORT_AGAIN}")
            seen.add(cell)
            found.setdefault(_same(score), score)
    return tuple(found.values())


_IMPORT_AGAIN = "delete it and import the file again"


def _read(path: Path) -> list[ImportedScore]:
    (_, head), *rows = list(csv_rows(read_text(path, newline=""), str(path), _IMPORT_AGAIN)) or [(1, [])]
    if tuple(head) != HEAD or any(len(row) != len(HEAD) for _, row in rows):
        raise DataError(f"{path}: not written by `vlbench import`; {_IMPORT_AGAIN}")
    for line, row in rows:
        fraction_text(row[HEAD.index("value")], f"{path}: line {line}, {row[HEAD.index('metric')]}")
    return [ImportedScore(*map(unguarded, row)) for _, row in rows]


def imported_text(
    scores: Sequence[ImportedScore],
    tasks: Container[str],
    *,
    markdown: bool = False,
    width: int | None = None,
) -> str:
    """The imported scores on some tasks as a table with a heading; empty if there are none.

    Models and tasks have our names where there are cards. On a terminal, of a `width`, a last line counts the
    scores on other tasks.
    """
    rows = [
        (
            each.system,
            each.card or each.model,
            each.task,
            each.metric,
            decimals(float(each.text)),
            each.differs,
        )
        for each in scores
        if each.task in tasks
    ]
    table = Table(("system", "model", "task", "metric", "value", "differs"), rows)
    if markdown:
        return f"Measured by other tools and imported:\n\n{table.markdown()}" if rows else ""
    lines = [table.text(width=width, keys=3)] if rows else []
    if len(rows) < len(scores):
        lines.append(f"and {len(scores) - len(rows)} scores on tasks without a result here")
    return "\n".join(["Imported, measured by other tools:", *lines]) if lines else ""


def fraction_text(value: object, where: str) -> str:
    """The text of a number in a tool's file as a fraction, with its own digits and at least four decimals.

    Files drop trailing zeros (`0.7`), which does not mean lower precision.

    Raises:
        DataError: it is not a number between 0 and 1.
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
    """A mark that distinguishes the JSON of one run from those of other models; empty for tables of many."""
    models, datasets = ({getattr(score, name) for score in scores} for name in ("model", "dataset"))
    if Path(scores[0].file).suffix.lower() != ".json" or len(models) > 1:
        return ""
    return f"-{digest_of([*models, *(datasets if len(datasets) == 1 else ())])[:_MARK_DIGITS]}"
