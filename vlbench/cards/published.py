"""The published scores that ship with the cards: `model_cards/published.csv`."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.core.errors import CardError, DataError
from vlbench.core.files import shown
from vlbench.core.published import PublishedScore

FILE = "published.csv"
HEAD = ("model", "task", "metric", "value", "differs", "source", "notes")


def published_path() -> Path:
    """Where the published scores lie: beside the built-in model cards."""
    return built_in_folder() / FOLDERS["model"] / FILE


def published_of(*, model: str | None = None, task: str | None = None) -> tuple[PublishedScore, ...]:
    """The published scores of a model, on a task, or of one on the other, in the file's order; else all.

    Names are compared whole. Scores that follow another protocol than the card of their task's name say so in
    `differs`.

    Raises:
        CardError: the file is missing or wrong.
    """

    def wanted(of_model: str, on_task: str) -> bool:
        return model in (None, of_model) and task in (None, on_task)

    return tuple(read_published(published_path(), wanted))


def read_published(path: Path, wanted: Callable[[str, str], bool]) -> Iterator[PublishedScore]:
    """The scores of a file whose model and task are wanted.

    Raises:
        CardError: it is missing, has another header, or a line is wrong.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            if next(rows, None) != list(HEAD):
                raise CardError(f"{shown(path)}: line 1: the header is {','.join(HEAD)}")
            for cells in rows:
                if len(cells) != len(HEAD):
                    raise CardError(
                        f"{shown(path)}: line {rows.line_num}: {len(cells)} columns instead of {len(HEAD)}"
                    )
                if wanted(cells[0], cells[1]):
                    yield _score(cells, f"{shown(path)}: line {rows.line_num}")
    except FileNotFoundError as error:
        raise CardError(f"{shown(path)}: no such file; install vlbench again") from error


def _score(cells: list[str], where: str) -> PublishedScore:
    model, task, metric, text, differs, source, notes = cells
    try:
        return PublishedScore.of_text(
            model, task, metric, text=text, source=source, differs=differs, notes=notes
        )
    except DataError as error:
        raise CardError(f"{where}: {error}") from error
