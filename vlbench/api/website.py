"""The static site: results with cards, published scores, paired tests and mistakes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.api.additions import leaderboard_additions
from vlbench.api.references import set_beside
from vlbench.api.request import resolve
from vlbench.cards.availability import first_place
from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import Catalogue, find, read_catalogue
from vlbench.cards.folders import Entry
from vlbench.cards.published import published_of
from vlbench.cards.schema import ModelCard, TaskCard
from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.image import part_of
from vlbench.core.published import PublishedScore
from vlbench.core.result import Result
from vlbench.core.uncollected import uncollected
from vlbench.flag import path_of
from vlbench.options import Options
from vlbench.report.comparable import columns
from vlbench.report.exchange.imported import read_imported
from vlbench.report.exchange.verify import PublishedComparison, card_models
from vlbench.report.known_results import known_results
from vlbench.report.paired.comparison import Comparison, holm_adjusted, paired
from vlbench.report.paired.differing import incomparable, other_truth
from vlbench.report.paired.items import has_items, read_items
from vlbench.report.results import PREDICTIONS, result_path
from vlbench.report.site.data import site_of
from vlbench.report.site.folder import Written, write_site
from vlbench.report.site.mistakes import Mistakes, OpenedTask, read_mistakes
from vlbench.report.site.values import CardNotes, Joined
from vlbench.report.tables.ranks import with_ranks
from vlbench.report.tables.seeds import row_of

if TYPE_CHECKING:
    from PIL.Image import Image


PAIRED_ROWS = 6
"""Up to this many models, every pair is tested. With more, use `vlbench compare` for a pair."""


def build_site(
    results: Path | str = "results",
    out: Path | str = "site",
    *,
    include_path: Sequence[Path | str] = (),
    data_root: Sequence[Path | str] = (),
    task_roots: Mapping[str, Path | str] | None = None,
    cache: Path | str | None = None,
) -> Written:
    """Write the static pages of a results folder: a leaderboard, one page per task and per model,
    comparisons.

    `data_root` lists folders in which the images of saved predictions are looked for, for thumbnails. `cache`
    keeps what was read.

    Raises:
        DataError: the results folder is missing, empty or damaged, or `out` holds files that are not of a
            site.
        CardError: a card is wrong.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL.Image import new
    >>> import vlbench
    >>> folder = TemporaryDirectory()
    >>> photos, results = Path(folder.name, "photos"), Path(folder.name, "results")
    >>> for colour in ("red", "blue"):
    ...     (photos / colour).mkdir(parents=True)
    ...     new("RGB", (32, 32), colour).save(photos / colour / "1.png")
    >>> options = {"device": "cpu", "cache": folder.name, "results": results}
    >>> _ = vlbench.evaluate("tiny-clip", f"classification:{photos}", **options)
    >>> build_site(results, Path(folder.name, "site")).pages
    4
    >>> folder.cleanup()
    """
    options = Options.of(
        {
            "device": "cpu",
            "include_path": include_path,
            "data_root": data_root,
            "task_roots": task_roots or {},
            "cache": cache,
        }
    )
    with uncollected():
        return _written(path_of("results", results, "folder"), Path(out), options)


def _written(folder: Path, out: Path, options: Options) -> Written:
    results, kept = known_results(folder, options.cache, parts=True)
    by_task = {task: column.kept for task, column in columns(results).items()}
    if not by_task:
        raise DataError(f"{folder}: no whole result; `vlbench run` without --limit makes one")
    catalogue = read_catalogue(options.include_path)
    whole = [result for each in by_task.values() for result in each]
    joined = Joined(
        models=dict(_model_notes({row_of(each) for each in whole}, catalogue)),
        tasks=dict(_task_notes(by_task, catalogue)),
        beside=tuple(_beside(folder, options, results, catalogue, shown=whole)),
        published=_published(whole),
        paired=tuple(_paired(by_task, folder)),
        mistakes=tuple(_mistakes(folder, options, whole, catalogue)),
        additions=with_ranks(folder, results, leaderboard_additions(options.include_path), kept),
    )
    return write_site(site_of(results, joined, kept), out)


def _model_notes(rows: Iterable[str], catalogue: Catalogue) -> Iterator[tuple[str, CardNotes]]:
    for row in sorted(rows):
        name = next((name for name in card_models(row) if name in catalogue.models), None)
        if name is not None:
            card = parse_card(catalogue.models[name].path, ModelCard)
            trained = "" if card.trained_on is None else ", ".join(card.trained_on) or "nothing"
            yield row, _notes(card, "Trained on", trained)


def _task_notes(tasks: Iterable[str], catalogue: Catalogue) -> Iterator[tuple[str, CardNotes]]:
    for task in tasks:
        if task in catalogue.tasks:
            card = parse_card(catalogue.tasks[task].path, TaskCard)
            yield task, _notes(card, "Licence of the data", card.licence)


def _notes(card: ModelCard | TaskCard, what: str, said: str) -> CardNotes:
    paper = card.paper
    place = paper and (f"arXiv {paper.arxiv}" if paper.arxiv else paper.url)
    cited = paper and (f"{paper.title} ({place})" if place else paper.title)
    lines = {what: said, "Paper": cited, "About": card.about}
    return CardNotes(card.title, tuple((name, text) for name, text in lines.items() if text))


def _published(results: Sequence[Result]) -> dict[str, tuple[PublishedScore, ...]]:
    """Published scores by task, for models without a result on it and metrics that its results have."""
    ours = {(name, each.task) for each in results for name in card_models(row_of(each))}
    metrics = {(each.task, value.metric) for each in results for value in each.metrics}
    found: dict[str, list[PublishedScore]] = {}
    for score in published_of():
        if (score.task, score.metric) in metrics and (score.model, score.task) not in ours:
            found.setdefault(score.task, []).append(score)
    return {
        task: tuple(sorted(scores, key=lambda each: (each.metric, -each.value, each.model, each.source)))
        for task, scores in sorted(found.items())
    }


def _beside(
    folder: Path,
    options: Options,
    results: Sequence[Result],
    catalogue: Catalogue,
    *,
    shown: Sequence[Result],
) -> Iterable[PublishedComparison]:
    """Published and imported scores compared with ours, for models on the site that have any."""
    names = {name for each in shown for one in (each.model, each.replicate_of) for name in card_models(one)}
    known = {score.model for score in published_of()}
    known |= {score.card for score in read_imported(folder)}
    if options.include_path or names & known:
        return set_beside(results, folder, catalogue)
    return ()


def _paired(by_task: Mapping[str, Sequence[Result]], folder: Path) -> Iterator[Comparison]:
    """Test every pair of a few models on the items that both have, with Holm's correction over the tasks of a
    pair.

    Pairs with different images or annotations are left out.
    """
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


def _mistakes(
    folder: Path, options: Options, results: Sequence[Result], catalogue: Catalogue
) -> Iterator[Mistakes]:
    opened: dict[str, OpenedTask | None] = {}
    for result in results:
        if not (folder / result_path(result, PREDICTIONS)).is_file():
            continue
        if result.task not in opened:
            opened[result.task] = _opened(result.task, options, catalogue)
        mistakes = read_mistakes(result, folder, opened[result.task])
        if mistakes is not None:
            yield mistakes


def _opened(task: str, options: Options, catalogue: Catalogue) -> OpenedTask | None:
    """The images and right texts of a task if its data are here, else None. Nothing is downloaded."""
    try:
        entry = find(catalogue, task, "task")
        roots = [options.task_roots[task]] if task in options.task_roots else options.data_root
        if not isinstance(entry, Entry) or first_place(entry, roots) is None:
            return None
        problem = resolve((), task, options)[1][0].task.problem
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
