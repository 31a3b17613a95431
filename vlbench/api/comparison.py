"""Tests two models of a results folder on the same images."""

from collections.abc import Sequence
from pathlib import Path

from vlbench.core.errors import VlbenchError
from vlbench.core.name_list import names_in
from vlbench.flag import path_of
from vlbench.report.paired.compare_models import compare_models
from vlbench.report.paired.comparison import Comparison


def compare(
    model_a: str,
    model_b: str,
    tasks: str | Sequence[str] = (),
    *,
    results: Path | str = "results",
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Test two models of a results folder on the same images, task by task. `tasks` may hold wildcards.

    Raises:
        VlbenchError: a name is unknown, or results are missing, partial, or of different protocols or data.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL.Image import new
    >>> import vlbench
    >>> folder = TemporaryDirectory()
    >>> photos, results = Path(folder.name, "photos"), Path(folder.name, "results")
    >>> for colour in ("red", "blue"):
    ...     (photos / colour).mkdir(parents=True)
    ...     new("RGB", (32, 32), colour).save(photos / colour / "1.png")
    >>> options = {"device": "cpu", "cache": folder.name, "results": results}
    >>> _ = vlbench.evaluate(["tiny-clip", "tiny-react"], f"classification:{photos}", **options)
    >>> (found,) = compare("tiny-clip", "tiny-react", results=results)
    >>> found.metric, found.value_b - found.value_a, found.test.method
    ('acc1', 0.0, 'McNemar, mid-p')
    >>> folder.cleanup()
    """
    names = (tasks,) if isinstance(tasks, str) else names_in(tasks)
    if names is None:
        raise VlbenchError(f"tasks are {tasks!r}; give their names")
    return compare_models(path_of("results", results, "folder"), model_a, model_b, tasks=names, seed=seed)
