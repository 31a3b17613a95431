"""What the cards add to a leaderboard."""

from collections.abc import Sequence
from pathlib import Path

from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.cards.robustness import robustness_fits
from vlbench.options import Options
from vlbench.report.tables.averages import Additions


def leaderboard_additions(include_path: Sequence[Path | str] = ()) -> Additions:
    """What the cards add to a leaderboard: collections of tasks, and fits of effective robustness.

    >>> leaderboard_additions().collections["vtab"][:2]
    ('caltech101', 'cifar100')
    """
    catalogue = read_catalogue(Options.of({"include_path": include_path}).include_path, kinds=["task"])
    collections = catalogue.collections.values()
    return Additions(
        collections={each.name: each.tasks for each in collections},
        metrics={each.name: each.metrics for each in collections},
        weights={each.name: each.weights for each in collections},
        fits=robustness_fits,
        shipped=frozenset(path.stem for path in (built_in_folder() / FOLDERS["task"]).glob("*.yaml")),
    )
