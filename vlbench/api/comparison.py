"""Two models of a results folder, tested on the same images."""

from collections.abc import Sequence
from pathlib import Path

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
    """Test two models of a results folder on the same images, task by task; tasks may hold wildcards.

    Raises:
        VlbenchError: a name is unknown, or results are missing, partial, or of different protocols or data.
    """
    names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    return compare_models(Path(results), model_a, model_b, tasks=names, seed=seed)
