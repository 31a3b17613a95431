"""Scores of others besides our results: published scores, and scores imported from files of other tools."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import Catalogue, read_catalogue
from vlbench.cards.folders import CardKind
from vlbench.cards.other_tools import card_of, task_of, their_dataset, their_weights, title_of
from vlbench.cards.protocols import card_protocols
from vlbench.cards.published import shipped_scores
from vlbench.cards.schema import ModelCard
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.outside_name import no_text
from vlbench.core.published import PublishedScore
from vlbench.core.result import Result
from vlbench.flag import path_of
from vlbench.options import Options
from vlbench.report.exchange.export import ExportNames, Form, export_text, untold
from vlbench.report.exchange.imported import (
    TheirScore,
    imported_score,
    known_already,
    read_imported,
    refuse_doubled,
    write_imported,
)
from vlbench.report.exchange.imported_clip_benchmark import read_clip_benchmark
from vlbench.report.exchange.imported_mteb import read_mteb
from vlbench.report.exchange.imported_open_clip import StatedAverage, read_open_clip
from vlbench.report.exchange.verify import TOLERANCE, Cards, PublishedComparison, card_models, compare
from vlbench.report.results import read_results
from vlbench.report.task_name import data_set_of

_LEAST_DIGITS = 3
System = Literal["clip_benchmark", "open_clip", "mteb"]


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of an imported file: where its scores are stored, how many, and how many of them match a
    card.

    `averages` are those that the file states; `again` counts scores that another file had already, `own`
    those that vlbench exported.
    """

    path: Path
    scores: int
    named: int
    averages: tuple[StatedAverage, ...] = ()
    again: int = 0
    own: int = 0


def verify(
    model: str = "*",
    task: str = "*",
    *,
    results: Path | str = "results",
    tolerance: float = TOLERANCE,
    include_path: Sequence[Path | str] = (),
) -> list[PublishedComparison]:
    """Compare the results of a folder with published and imported scores.

    Names may hold wildcards, or be aliases or a collection of tasks. A model's name also matches its results
    with other weights or precision (`clip-b32+bf16`), and a task's name those with other protocols of its
    data set, which `@` and `+` mark.

    Raises:
        VlbenchError: the tolerance is not a fraction, or no result has these names.
        DataError: the folder is missing, or a file in it is damaged.
        CardError: a card is wrong.
    """
    if not 0 <= tolerance <= 1:
        raise VlbenchError(f"tolerance is {tolerance}; give a fraction, such as {TOLERANCE}")
    folder = path_of("results", results, "folder")
    catalogue = read_catalogue(Options.of({"include_path": include_path}).include_path)
    asked_models = _meant(model, "model", catalogue)
    asked_tasks = _meant(task, "task", catalogue)
    chosen = [each for each in read_results(folder) if _asked(each, asked_models, asked_tasks)]
    if not chosen:
        raise VlbenchError(f"{folder}: no result of {model} on {task}; `vlbench run` makes them")
    return set_beside(chosen, folder, catalogue, tolerance=tolerance)


def set_beside(
    results: Sequence[Result], folder: Path, catalogue: Catalogue, *, tolerance: float = TOLERANCE
) -> list[PublishedComparison]:
    """Compare results that are already read with published scores and with scores imported into their folder.

    Raises:
        DataError: a file of imported scores is damaged.
        CardError: a card is wrong.
    """
    models = {name for each in results for name in _models_of(each)}
    cards = dict(_cards(models, catalogue))
    scores = list(_scores(models, folder, cards, catalogue))
    return compare(results, scores, _known(results, scores, cards, catalogue), tolerance=tolerance)


def import_scores(
    system: System,
    file: Path | str,
    *,
    results: Path | str = "results",
    model: str | None = None,
    include_path: Sequence[Path | str] = (),
) -> ImportedFile:
    """Read the result file of another tool, and write its scores into a results folder, marked with the tool.

    `model` names the model of an mteb file without a `model_meta.json` next to it.

    Raises:
        DataError: the file is missing, has another layout, or holds no score; or a name is no text.
    """
    path = Path(file)
    for name in (path.name, model or ""):
        if wrong := no_text(name):
            raise DataError(wrong)
    theirs, averages = _read(system, path, model)
    if not theirs:
        raise DataError(f"{path}: has no score")
    refuse_doubled(theirs, path)
    catalogue = read_catalogue(Options.of({"include_path": include_path}).include_path)
    card, task = (lru_cache(None)(partial(each, catalogue)) for each in (card_of, task_of))
    scores = [
        imported_score(each, system=system, file=path.name, card_of=card, task_of=task) for each in theirs
    ]
    folder = path_of("results", results, "folder")
    again = known_already(scores, folder)
    written = write_imported(scores, folder)
    named = sum(bool(each.card and each.task) for each in scores)
    return ImportedFile(
        written, len(scores), named, averages, again, sum(bool(each.exporter) for each in theirs)
    )


def export_results(
    form: Form,
    *,
    results: Path | str = "results",
    models: Sequence[str] = ("*",),
    include_path: Sequence[Path | str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> str:
    """The results of a folder in the layout of another tool, without partial ones.

    Model names may hold wildcards. `tell` gets a line about what the layout has no place for.

    Raises:
        VlbenchError: there is no result of these models.
        DataError: the folder is missing, or a file in it is damaged.
    """
    folder = path_of("results", results, "folder")
    chosen = [
        each
        for each in read_results(folder)
        if not each.partial and any(fnmatchcase(each.model, model) for model in models)
    ]
    if not chosen:
        raise VlbenchError(f"{folder}: no whole result of {', '.join(models)}; `vlbench run` makes them")
    line = untold(chosen, form)
    if line:
        tell(line)
    catalogue = read_catalogue(Options.of({"include_path": include_path}).include_path)
    names = ExportNames(
        title=lambda task: title_of(task, catalogue),
        dataset=lru_cache(None)(lambda task: their_dataset(task, catalogue)),
        weights=lru_cache(None)(lambda model: their_weights(model, catalogue)),
    )
    return export_text(chosen, form, names)


def _read(
    system: System, path: Path, model: str | None
) -> tuple[Sequence[TheirScore], tuple[StatedAverage, ...]]:
    match system:
        case "clip_benchmark":
            return read_clip_benchmark(path), ()
        case "open_clip":
            return read_open_clip(path)
        case "mteb":
            return read_mteb(path, model=model), ()


def _meant(name: str, what: CardKind, catalogue: Catalogue) -> tuple[str, ...]:
    """A name, and for an alias or a collection what it means."""
    return (name, *catalogue.meant_by(name, what))


def _asked(result: Result, models: Iterable[str], tasks: Iterable[str]) -> bool:
    return _matches(_models_of(result), models) and _matches((result.task, data_set_of(result.task)), tasks)


def _matches(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _models_of(result: Result) -> Iterator[str]:
    for name in (result.model, result.replicate_of):
        yield from card_models(name) if name else ()


def _known(
    results: Sequence[Result],
    scores: Iterable[PublishedScore],
    cards: Mapping[str, ModelCard],
    catalogue: Catalogue,
) -> Cards:
    """What the cards state about the tasks and models in question."""
    data_sets = {data_set_of(each.task) for each in results}
    tasks = {score.task for score in scores if not score.differs and data_set_of(score.task) in data_sets}
    tasks |= {each.task.split("+", maxsplit=1)[0] for each in results}
    weights = {name: card.weights.sha256 for name, card in cards.items() if card.weights is not None}
    return Cards(
        protocols=card_protocols(sorted(tasks), catalogue),
        weights={name: sha256 for name, sha256 in weights.items() if sha256 is not None},
    )


def _scores(
    models: Iterable[str], folder: Path, cards: Mapping[str, ModelCard], catalogue: Catalogue
) -> Iterator[PublishedScore]:
    """Published scores of models: shipped ones, those of users' cards, and imported ones."""
    wanted = frozenset(models)
    shipped = list(shipped_scores(lambda model, _: model in wanted))
    yield from shipped
    known = {(score.model, score.task, score.metric, score.value) for score in shipped}
    for score in _of_cards(cards, catalogue):
        if (score.model, score.task, score.metric, score.value) not in known:
            yield score
    for imported in read_imported(folder):
        published = imported.published
        if published is not None and published.model in wanted:
            yield published


def _of_cards(cards: Mapping[str, ModelCard], catalogue: Catalogue) -> Iterator[PublishedScore]:
    """The scores that users' cards state.

    A protocol other than the task card's is recorded as the difference.
    """
    for name, card in cards.items():
        for each in card.published:
            if each.verified:
                # YAML drops zeros at the end: 0.70 is 0.7, and no less precise
                digits = max(_LEAST_DIGITS, len(f"{each.value:.6f}".rstrip("0").partition(".")[2]))
                meant = _meant(each.task, "task", catalogue)
                task = meant[-1] if each.task not in catalogue.collections else each.task
                entry = catalogue.tasks.get(task)
                stated = each.protocol if entry is None else entry.summary.get("protocol")
                differs = "" if each.protocol == stated else f"protocol: {each.protocol}, not {stated}"
                yield PublishedScore(name, task, each.metric, each.value, digits, each.source, differs)


def _cards(models: Iterable[str], catalogue: Catalogue) -> Iterator[tuple[str, ModelCard]]:

    for name in sorted(models):
        if name in catalogue.models:
            yield name, parse_card(catalogue.models[name], ModelCard)
