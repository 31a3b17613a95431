"""What a site shows beside results: cards, published scores, paired tests and mistakes."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.api.references import set_beside
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.image import part_of
from vlbench.core.published import PublishedScore
from vlbench.core.result import Result
from vlbench.report.exchange.verify import PublishedComparison, card_models
from vlbench.report.paired.comparison import Comparison, holm_adjusted, paired
from vlbench.report.results import PREDICTIONS, read_results, result_path
from vlbench.report.site.mistakes import Mistakes, OpenedTask, read_mistakes
from vlbench.report.site.values import CardNotes, Joined
from vlbench.report.tables.seeds import row_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from vlbench.cards.catalogue import Catalogue
    from vlbench.cards.schema import ModelCard, Paper, TaskCard
    from vlbench.report.site.folder import Written
    from vlbench.report.tables.averages import Additions

PAIRED_ROWS = 6
"""Up to so many models every pair is tested; of more, `vlbench compare` tests the pair at issue."""


@dataclass(frozen=True, slots=True)
class Website:
    """What a site is made from: a results folder, folders with more cards, and where data may lie."""

    results: Path
    include: tuple[Path, ...] = ()
    roots: tuple[Path, ...] = ()
    task_roots: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        results: Path | str,
        *,
        include: Sequence[Path | str],
        roots: Sequence[Path | str],
        task_roots: Mapping[str, Path | str] | None,
    ) -> "Website":
        """From paths as users write them."""
        own = {task: Path(root) for task, root in (task_roots or {}).items()}
        return cls(Path(results), tuple(map(Path, include)), tuple(map(Path, roots)), own)


def write_website(website: Website, out: Path, additions: "Additions") -> "Written":
    """Write the site of a results folder; `additions` are what its leaderboard shows beside results.

    Raises:
        DataError: the results folder is missing, empty or damaged, or `out` holds other files.
        CardError: a card is wrong.
    """
    with _uncollected():
        return _written(website, out, additions)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles: thousands of results are millions of objects that form none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _written(website: Website, out: Path, additions: "Additions") -> "Written":
    from vlbench.cards.catalogue import read_catalogue
    from vlbench.report.comparable import columns
    from vlbench.report.site.data import site_of
    from vlbench.report.site.folder import write_site
    from vlbench.report.tables.leaderboard import with_ranks

    folder = website.results
    results = read_results(folder)
    by_task = {task: column.kept for task, column in columns(results).items()}
    if not by_task:
        raise DataError(f"{folder}: no whole result; `vlbench run` without --limit makes one")
    catalogue = read_catalogue(website.include)
    whole = [result for each in by_task.values() for result in each]
    joined = Joined(
        models=dict(_model_notes({row_of(each) for each in whole}, catalogue)),
        tasks=dict(_task_notes(by_task, catalogue)),
        beside=tuple(_beside(website, results, catalogue, shown=whole)),
        published=_published(whole),
        paired=tuple(_paired(by_task, folder)),
        mistakes=tuple(_mistakes(website, whole, catalogue)),
        additions=with_ranks(folder, results, additions),
    )
    return write_site(site_of(results, joined), out)


def _model_notes(rows: Iterable[str], catalogue: "Catalogue") -> Iterator[tuple[str, CardNotes]]:
    from vlbench.cards.card_file import parse_card
    from vlbench.cards.schema import ModelCard

    for row in sorted(rows):
        name = next((name for name in card_models(row) if name in catalogue.models), None)
        if name is not None:
            card = parse_card(catalogue.models[name], ModelCard)
            yield row, CardNotes(card.title, tuple(_lines_of_model(card)))


def _lines_of_model(card: "ModelCard") -> Iterator[tuple[str, str]]:
    if card.trained_on is not None:
        yield "Trained on", ", ".join(card.trained_on) or "nothing"
    yield from _common_lines(card.paper, card.about)


def _task_notes(tasks: Iterable[str], catalogue: "Catalogue") -> Iterator[tuple[str, CardNotes]]:
    from vlbench.cards.card_file import parse_card
    from vlbench.cards.schema import TaskCard

    for task in tasks:
        if task in catalogue.tasks:
            card = parse_card(catalogue.tasks[task], TaskCard)
            yield task, CardNotes(card.title, tuple(_lines_of_task(card)))


def _lines_of_task(card: "TaskCard") -> Iterator[tuple[str, str]]:
    if card.licence:
        yield "Licence of the data", card.licence
    yield from _common_lines(card.paper, card.about)


def _common_lines(paper: "Paper | None", about: str) -> Iterator[tuple[str, str]]:
    if paper is not None:
        place = f"arXiv {paper.arxiv}" if paper.arxiv else paper.url
        yield "Paper", f"{paper.title} ({place})" if place else paper.title
    if about:
        yield "About", about


def _published(results: Sequence[Result]) -> dict[str, tuple[PublishedScore, ...]]:
    """Published scores by task, of models that have no result on it and metrics that its results have."""
    from vlbench.cards.published import published_of

    ours = {(name, each.task) for each in results for name in card_models(row_of(each))}
    metrics = {(each.task, value.metric) for each in results for value in each.metrics}
    found: dict[str, list[PublishedScore]] = {}
    for score in published_of():
        if (score.task, score.metric) in metrics and (score.model, score.task) not in ours:
            found.setdefault(score.task, []).append(score)
    return {task: tuple(sorted(scores, key=_by_value)) for task, scores in sorted(found.items())}


def _by_value(score: PublishedScore) -> tuple[str, float, str, str]:
    return (score.metric, -score.value, score.model, score.source)


def _beside(
    website: Website, results: Sequence[Result], catalogue: "Catalogue", *, shown: Sequence[Result]
) -> Iterable[PublishedComparison]:
    """Published and imported scores set beside ours; none is looked for where the models shown have none."""
    from vlbench.cards.published import published_of
    from vlbench.report.exchange.imported import read_imported

    names = {name for each in shown for one in (each.model, each.replicate_of) for name in card_models(one)}
    known = {score.model for score in published_of()}
    known |= {score.card for score in read_imported(website.results)}
    if website.include or names & known:
        return set_beside(results, website.results, catalogue)
    return ()


def _paired(by_task: Mapping[str, Sequence[Result]], folder: Path) -> Iterator[Comparison]:
    """Every pair of a few models, tested on the items that both have, Holm over the tasks of a pair.

    Pairs of other images or annotations are left out.
    """
    from vlbench.report.paired.differing import incomparable, other_truth
    from vlbench.report.paired.items import has_items, read_items

    models: dict[str, dict[str, Result]] = {}
    for task, results in by_task.items():
        for result in results:
            if not result.replicate_of and has_items(folder, result):
                models.setdefault(result.model, {})[task] = result
    if len(models) > PAIRED_ROWS:
        return
    items = {
        (model, task): read_items(folder, result)
        for model, tasks in models.items()
        for task, result in tasks.items()
    }
    for a, b in combinations(sorted(models), 2):
        shared = [
            task
            for task in sorted(models[a].keys() & models[b].keys())
            if not incomparable(models[a][task], models[b][task])
            and not other_truth(items[a, task], items[b, task])
        ]
        yield from holm_adjusted(
            paired(models[a][task], items[a, task], models[b][task], items[b, task]) for task in shared
        )


def _mistakes(website: Website, results: Sequence[Result], catalogue: "Catalogue") -> Iterator[Mistakes]:
    opened: dict[str, OpenedTask | None] = {}
    for result in results:
        if not (website.results / result_path(result, PREDICTIONS)).is_file():
            continue
        if result.task not in opened:
            opened[result.task] = _opened(result.task, website, catalogue)
        mistakes = read_mistakes(result, website.results, opened[result.task])
        if mistakes is not None:
            yield mistakes


def _opened(task: str, website: Website, catalogue: "Catalogue") -> OpenedTask | None:
    """A task's images and right texts if its data lie here, else None: nothing is downloaded."""
    from vlbench.cards.availability import first_place
    from vlbench.cards.catalogue import find
    from vlbench.cards.folders import Entry
    from vlbench.options import request_of, resolve

    try:
        entry = find(catalogue, task, "task")
        roots = [website.task_roots[task]] if task in website.task_roots else website.roots
        if not isinstance(entry, Entry) or first_place(entry, roots) is None:
            return None
        request = request_of(
            (),
            task,
            {
                "device": "cpu",
                "data_root": website.roots,
                "task_roots": website.task_roots,
                "include_path": website.include,
            },
        )
        problem = resolve(request)[1][0].task.problem
    except VlbenchError:
        return None  # the thumbnails are left out, the names of the items stay
    names = problem.names
    examples = {example.id: example for example in problem.images.examples}
    right: dict[int, list[str]] = {}
    for i, j in zip(problem.relevant.candidates.tolist(), problem.relevant.queries.tolist(), strict=True):
        right.setdefault(i, []).append(names[j])

    def image(item: str) -> "Image | None":
        example = examples.get(item)
        return None if example is None else part_of(example.image(), example.box)

    return OpenedTask(image, {item: tuple(right.get(i, ())) for i, item in enumerate(examples)})
