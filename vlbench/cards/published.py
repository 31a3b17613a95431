"""The published scores that ship with the cards: a file of single scores, and a table from one source."""

from collections.abc import Callable, Iterator
from pathlib import Path

from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.core.errors import CardError, DataError
from vlbench.core.files import shown
from vlbench.core.published import PublishedScore, printed_value
from vlbench.core.text_file import csv_rows, read_text

FILE = "published.csv"
TABLE = "published_compositional.csv"
HEAD = ("model", "task", "metric", "value", "differs", "source", "notes")
TABLE_HEAD = ("source", "task", "metric", "differs", "notes")
"""The first cells of a table's first lines, which tell what the lines hold."""


def published_path(file: str = FILE) -> Path:
    """The path of the published scores, next to the built-in model cards."""
    return built_in_folder() / FOLDERS["model"] / file


def published_of(*, model: str | None = None, task: str | None = None) -> tuple[PublishedScore, ...]:
    """The published scores of a model, on a task, or both, in the order of the files; by default all.

    Names must match exactly. Scores with another protocol than their task's card state so in `differs`.

    Raises:
        CardError: a file is missing or wrong.
    """

    def wanted(of_model: str, on_task: str) -> bool:
        return model in (None, of_model) and task in (None, on_task)

    return tuple(shipped_scores(wanted))


def shipped_scores(wanted: Callable[[str, str], bool]) -> Iterator[PublishedScore]:
    """All shipped scores for which `wanted(model, task)` is true.

    Raises:
        CardError: a file is missing or wrong.
    """
    yield from read_published(published_path(), wanted)
    yield from read_table(published_path(TABLE), wanted)


def read_published(path: Path, wanted: Callable[[str, str], bool]) -> Iterator[PublishedScore]:
    """The scores in a file for which `wanted(model, task)` is true.

    Raises:
        CardError: the file is missing, has another header, or a line is wrong.
    """
    rows = _rows(path)
    if next(rows, ("", []))[1] != list(HEAD):
        raise CardError(f"{shown(path)}: line 1: the header is {','.join(HEAD)}")
    for where, cells in rows:
        if len(cells) != len(HEAD):
            raise CardError(f"{where}: {len(cells)} columns instead of {len(HEAD)}")
        if wanted(cells[0], cells[1]):
            yield _score(cells, where)


def read_table(path: Path, wanted: Callable[[str, str], bool]) -> Iterator[PublishedScore]:
    """The scores in a table from one source: one line per model, one column per task and metric.

    Its first lines hold the source, then each column's task, metric, differences and notes; their first cell
    tells which. Each further line has a model, notes on it, and its scores.

    Raises:
        CardError: the file is missing, has other first lines, or a line is wrong.
    """
    rows = _rows(path)
    source, *heads = [next(rows, ("", []))[1] for _ in TABLE_HEAD]
    widths = {len(head) for head in heads}
    if tuple(head[0] for head in (source, *heads) if head) != TABLE_HEAD or len(widths) > 1:
        raise CardError(
            f"{shown(path)}: the first lines have to begin with {', '.join(TABLE_HEAD)}, in this order, and "
            "all but the source have to have as many columns; correct them"
        )
    columns = list(zip(*heads, strict=True))[2:]
    for where, cells in rows:
        if len(cells) not in widths:
            raise CardError(f"{where}: {len(cells)} columns instead of {widths.pop()}")
        model, notes, *values = cells
        for (task, metric, differs, more), value in zip(columns, values, strict=True):
            if wanted(model, task):
                both = "; ".join(filter(None, (notes, more)))
                yield _score([model, task, metric, value, differs, source[-1], both], where)


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The cells of each row of a file that ships, behind its place."""
    again, where = "install vlbench again", shown(path)
    for line, cells in csv_rows(
        read_text(path, CardError, newline="", missing=again), where, again, error=CardError
    ):
        yield f"{where}: line {line}", cells


def _score(cells: list[str], where: str) -> PublishedScore:
    model, task, metric, text, differs, source, notes = cells
    try:
        value, digits = printed_value(text)
    except DataError as error:
        raise CardError(f"{where}: {error}") from error
    return PublishedScore(model, task, metric, value, digits, source, differs, notes)
