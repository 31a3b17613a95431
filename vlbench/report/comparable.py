"""Results that stand side by side: whole ones, and of each task those of one protocol."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from vlbench.core.result import Result


def whole_results(results: Iterable[Result]) -> list[Result]:
    """Results that are not partial, sorted by task and model."""
    return sorted((each for each in results if not each.partial), key=lambda each: (each.task, each.model))


def results_by_task(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Results under the names of their tasks, in their order."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.task, []).append(result)
    return groups


def of_one_protocol(rows: Sequence[Result]) -> list[Result]:
    """The rows of the digest most of them share; of equally common ones the smallest."""
    counts = Counter(row.protocol_digest for row in rows)
    winner = min(counts, key=lambda digest: (-counts[digest], digest))
    return [row for row in rows if row.protocol_digest == winner]


def comparable_results(results: Iterable[Result]) -> Mapping[str, Sequence[Result]]:
    """Whole results of one protocol by task, tasks and models sorted."""
    by_task = results_by_task(whole_results(results))
    return {task: of_one_protocol(rows) for task, rows in by_task.items()}
