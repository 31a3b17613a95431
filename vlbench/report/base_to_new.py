"""Base-to-new generalisation: scores on the two halves of a task's classes, and their harmonic mean."""

from collections.abc import Mapping

from vlbench.report.csv_text import csv_text, number

BASE_TO_NEW = "base_to_new.csv"
BASE_TO_NEW_HEAD = ("model", "task", "base", "new", "harmonic_mean")
BASE, NEW = "@base", "@new"
"""How the names of the halves of a task end."""


def base_to_new_text(scores: Mapping[str, Mapping[str, float | None]]) -> str:
    """The text of `base_to_new.csv` from scores by row and task; empty where no row has both halves.

    The harmonic mean is that of the two means over seeds, as papers report it (Zhou et al., arXiv
    2203.05557, table 1).
    """
    lines = []
    for row in sorted(scores):
        for name in sorted(scores[row]):
            task = name.removesuffix(BASE)
            base, new = scores[row][name], scores[row].get(f"{task}{NEW}")
            if task != name and base is not None and new is not None:
                lines.append([row, task, *map(number, (base, new, harmonic_mean(base, new)))])
    return csv_text(BASE_TO_NEW_HEAD, lines) if lines else ""


def harmonic_mean(base: float, new: float) -> float:
    """2 b n / (b + n), a fraction of two fractions; 0 where both are 0.

    >>> harmonic_mean(0.75, 0.5)
    0.6
    """
    return 2 * base * new / (base + new) if base + new else 0.0
