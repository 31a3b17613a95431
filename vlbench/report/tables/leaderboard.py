"""Leaderboard CSVs, made from results alone, independent of the order of runs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import file_name, write_atomically
from vlbench.core.result import Result
from vlbench.core.uncollected import uncollected
from vlbench.report.comparable import columns, whole_results
from vlbench.report.known_results import NOTHING_KEPT, Kept, known_results
from vlbench.report.results import source_text
from vlbench.report.table import Table, number
from vlbench.report.tables.averages import MEAN, MEAN_RANK, NO_ADDITIONS, Additions, Averages, averages
from vlbench.report.tables.base_to_new import BASE_TO_NEW, BASE_TO_NEW_HEAD, base_to_new
from vlbench.report.tables.costs import COSTS, COSTS_HEAD, SPEED, cost_lines
from vlbench.report.tables.few_shot import (
    FEW_SHOT,
    FEW_SHOT_HEAD,
    PICTURE,
    ROOT,
    few_shot_curves,
    few_shot_text,
)
from vlbench.report.tables.notes import notes
from vlbench.report.tables.ranks import with_ranks
from vlbench.report.tables.robustness import ROBUSTNESS, ROBUSTNESS_HEAD, robustness_text
from vlbench.report.tables.row_facts import CARD_FACTS, ROW_FACTS, row_facts
from vlbench.report.tables.seeds import SEEDS, SEEDS_HEAD, by_row, seeds_by_row, seeds_text
from vlbench.report.tables.steps import STEPS, STEPS_HEAD, STEPS_PICTURE, step_curves, steps_text
from vlbench.report.task_name import BASE

LEADERBOARD = "leaderboard.csv"
ALL = "all.csv"
_HEADERS = {
    SEEDS: Table(SEEDS_HEAD, ()).csv(),
    BASE_TO_NEW: Table(BASE_TO_NEW_HEAD, ()).csv(),
    FEW_SHOT: Table(FEW_SHOT_HEAD, ()).csv(),
    ROBUSTNESS: Table(ROBUSTNESS_HEAD, ()).csv(),
    STEPS: Table(STEPS_HEAD, ()).csv(),
}
"""Tables that exist only for some results, with the headers that distinguish them from a user's own CSV."""

_FACTS = (
    *("n_images", "n_texts", "protocol", "protocol_digest", "precision", "preprocess", "model_digest"),
    *("zero_shot", "parameters", "gflops", "image_size", "licence"),
)
"""The columns of a task's CSV after its metrics and rank; they distinguish it from a user's own CSV."""
_OLD_FACTS = (*_FACTS[:-1], SPEED, _FACTS[-1])
"""Those of version 0.1."""

RANK = "rank"

_NAMES = ("model", "task", "protocol")
_MEASURED = ("metric", "value", "ci_low", "ci_high", "n", "ci_method", "left_out", "chance", "constant")
_REST = (
    *("primary", "kind", "n_images", "n_texts", "protocol_digest", "precision", "preprocess"),
    *("adapter", "model_digest", "source", "source_revision", "zero_shot"),
)
"""The columns of `all.csv`: fields of a result, of one of its metrics, and of the result again."""
Lines = Callable[[Iterable[Result]], Iterable[Sequence[object]]]
"""What makes the lines of results in a table."""


def leaderboards(
    results: Iterable[Result],
    additions: Additions = NO_ADDITIONS,
    kept: Kept = NOTHING_KEPT,
    found: Averages | None = None,
) -> Mapping[str, str]:
    """Every CSV by its path in the results folder, without partial results.

    `<task>.csv` has a row for each model with every metric and its rank, 1 + the number of models that are
    significantly better; `leaderboard.csv` the primary metric of each task, averages and facts; `all.csv`
    every metric of every result; `costs.csv` what each took, and on what. Seeds of one row are one row of
    `leaderboard.csv`, their mean, and `seeds.csv` says how they spread; `base_to_new.csv` sets tasks `X@base`
    and `X@new` side by side, `few_shot.csv` has scores against shots, `steps.csv` those of checkpoints
    against their steps, and `effective_robustness.csv` variants of ImageNet and what a fit of the additions
    expects there. Only `costs.csv` differs where equal results were made on other machines or at other times.
    `kept` has what was made of them before, `found` their averages.

    Raises:
        DataError: a task has the name of another CSV or column, or a model has the name of a row of seeds.
    """
    whole = whole_results(results)
    found = found or averages(whole, additions)
    by_task = found.by_task
    every_metric = _by_task(ALL, [*_NAMES, *_MEASURED, *_REST], _every_metric, whole, kept)
    costs = _by_task(COSTS, COSTS_HEAD, cost_lines, whole, kept)
    texts = {LEADERBOARD: _leaderboard(found), ALL: every_metric, COSTS: costs}
    if found.seeds:
        texts[SEEDS] = seeds_text(by_task)
    if any(task.endswith(BASE) for task in by_task):
        texts[BASE_TO_NEW], _ = base_to_new(found.scores, by_task)
    if any("shots" in each.settings for each in whole):
        texts[FEW_SHOT] = few_shot_text(few_shot_curves(by_task, found.seeds)[0])
    if any("step" in each.settings for each in whole):
        texts[STEPS] = steps_text(step_curves(by_task))
    if len(by_task) > 1:  # a variant and its reference
        texts[ROBUSTNESS] = robustness_text(by_task, additions.fits())
    texts = {path: text for path, text in texts.items() if text}
    taken = {"model", MEAN, MEAN_RANK, *ROW_FACTS, SPEED, *additions.collections}
    for task, rows in by_task.items():
        if task in taken:
            raise DataError(f"a task named {task!r} would be a second column of that name; rename its card")
        path = f"{file_name(task)}.csv"
        if path in (LEADERBOARD, ALL, COSTS, *_HEADERS):
            raise DataError(f"a task named {task!r} would overwrite {path}; rename its card")
        ranks = additions.ranks.get(task, {})
        beside = [json.dumps(ranks)]
        texts[path] = kept.text(task, path, partial(_task, rows, ranks), beside.copy)
    return texts


def write_leaderboards(
    folder: Path,
    additions: Additions = NO_ADDITIONS,
    *,
    plot: bool = False,
    cache: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Rebuild the CSVs of a folder from its results and return the results.

    Tables of missing tasks are removed. Ranks come from the folder's per-item records, not from the
    additions. Existing pictures of few-shot curves are rebuilt as well; with `plot`, they are made for every
    task with curves. `cache` keeps what was read, so that only files that changed are read again: metrics
    then come without parts. `tell` is given the `notes`.

    Raises:
        DataError: there is no such folder, or a result or a per-item record in it is damaged.
    """
    results, stale = _stale(folder, additions, plot=plot, cache=cache, tell=tell)
    for path, text in stale.items():
        if text is None:
            (folder / path).unlink()
        else:
            write_atomically(folder / path, text)
    return results


def stale_leaderboards(
    folder: Path,
    additions: Additions = NO_ADDITIONS,
    *,
    plot: bool = False,
    cache: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:
    """The CSVs and pictures that are missing, differ from the results, or have no results left; sorted.

    Without `plot`, no picture counts as missing. `cache` and `tell` are those of `write_leaderboards`.

    Raises:
        DataError: there is no such folder, or a result or a per-item record in it is damaged.
    """
    return tuple(sorted(_stale(folder, additions, plot=plot, cache=cache, tell=tell)[1]))


def pictures_of(folder: Path) -> tuple[str, ...]:
    """The sorted names of a folder's pictures of curves, recognised by their first bytes."""
    found = []
    for place in chain(folder.glob(f"*{PICTURE}"), folder.glob(f"*{STEPS_PICTURE}")):
        with place.open("rb") as file:
            if file.read(len(ROOT)) == ROOT.encode():
                found.append(place.name)
    return tuple(sorted(found))


@uncollected()
def _stale(
    folder: Path, additions: Additions, *, plot: bool, cache: Path | None, tell: Callable[[str], None]
) -> tuple[tuple[Result, ...], dict[str, str | None]]:
    """A folder's results, and the files that it lacks or has with another text, each with the right text.

    None for one to remove. Files to remove are recognised by header or root, so a user's own files are left
    alone.
    """
    results, kept = known_results(folder, cache)
    additions = with_ranks(folder, results, additions, kept)
    averaged = averages(results, additions)
    texts = dict(leaderboards(results, additions, kept, averaged))
    for line in notes(results, additions, averaged):
        tell(line)
    pictures = pictures_of(folder)
    if plot or pictures:
        # what draws is imported here, so that a run without pictures starts without it
        from vlbench.report.tables.few_shot_picture import few_shot_files

        whole = whole_results(results)
        by_task = {task: column.kept for task, column in columns(whole).items()}
        drawn = few_shot_files(few_shot_curves(by_task, seeds_by_row(whole))[0])
        drawn |= few_shot_files(step_curves(by_task), STEPS_PICTURE)
        texts |= {name: text for name, text in drawn.items() if plot or name in pictures}
    found: dict[str, str | None] = {}
    for path, text in texts.items():
        place = folder / path
        if not (place.is_file() and place.read_bytes() == text.encode()):
            found[path] = text
    tails = tuple(f",{','.join([RANK, *facts])}\n".encode() for facts in (_FACTS, _OLD_FACTS))
    for place in folder.glob("*.csv"):
        if place.name not in texts:
            with place.open("rb") as file:
                header = file.readline()
            is_task = header.startswith(b"model,") and header.endswith(tails)
            if is_task or header.decode("utf-8", "replace") == _HEADERS.get(place.name):
                found[place.name] = None
    return results, found | {name: None for name in pictures if name not in texts}


def _leaderboard(found: Averages) -> str:
    """The text of `leaderboard.csv`: for each row its score on each task, averages, mean rank and facts.

    Collections and mean ranks that no row has are left out. Rows of seeds have no rank.
    """
    tasks, members = sorted(found.by_task), by_row(chain.from_iterable(found.by_task.values()))
    summaries = {**found.collections, MEAN_RANK: found.mean_rank}
    shown = {
        name: cells for name, cells in summaries.items() if any(cell is not None for cell in cells.values())
    }
    lines = [
        [
            row,
            *(number(scores.get(task)) for task in tasks),
            number(found.mean[row]),
            *(number(cells[row]) for cells in shown.values()),
            *row_facts(members.get(row, ())).values(),
        ]
        for row, scores in sorted(found.scores.items())
    ]
    return Table(["model", *tasks, MEAN, *shown, *ROW_FACTS], lines).csv()


def _task(rows: Sequence[Result], ranks: Mapping[str, int]) -> str:
    measured = (value.metric for row in rows for value in row.metrics)
    metrics = list(dict.fromkeys([rows[0].primary, *measured]))
    lines = []
    for row in rows:
        values = {value.metric: value.value for value in row.metrics}
        cells = [number(values.get(metric)) for metric in metrics]
        rank = ranks.get(row.model, "")
        lines.append([row.model, *cells, rank, *(_told(row, name) for name in _FACTS)])
    return Table(["model", *metrics, RANK, *_FACTS], lines).csv()


def _by_task(name: str, head: Sequence[str], lines: Lines, whole: Iterable[Result], kept: Kept) -> str:
    """The text of a table of the lines of results, which are sorted by their tasks."""
    texts = [Table(head, ()).csv()]
    for task, rows in groupby(whole, lambda each: each.task):
        make = partial(_lines_text, head, lines, rows)
        texts.append(kept.text(task, name, make))
    return "".join(texts)


def _lines_text(head: Sequence[str], lines: Lines, results: Iterable[Result]) -> str:
    return Table(head, list(lines(results))).csv().removeprefix(Table(head, ()).csv())


def _every_metric(results: Iterable[Result]) -> Iterator[Sequence[object]]:
    """The lines of `all.csv`."""
    for each in results:
        names, rest = ([_told(each, name) for name in columns] for columns in (_NAMES, _REST))
        for value in each.metrics:
            numbers = map(number, (value.value, value.ci_low, value.ci_high))
            beside = map(number, (value.chance, value.constant))
            yield [*names, value.metric, *numbers, value.n, value.ci_method, value.left_out, *beside, *rest]


def _told(result: Result, name: str) -> object:
    """The cell of a result in a column: a field, setting or fact; empty if it has none."""
    match name:
        case "model_digest":
            return result.digests.get("model", "")
        case "source":
            return source_text(result.source)
        case "precision" | "preprocess":
            return result.settings.get(name, "")
    return result.facts.get(name, "") if name in CARD_FACTS else getattr(result, name)
