"""Functions for Python code: evaluate, load_model, load_task, fit_coop, compare, build_site, the lists."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlbench.api.additions import leaderboard_additions as leaderboard_additions
    from vlbench.api.comparison import compare as compare
    from vlbench.api.fit import fit_coop as fit_coop
    from vlbench.api.request import list_models as list_models
    from vlbench.api.request import list_tasks as list_tasks
    from vlbench.api.request import load_model as load_model
    from vlbench.api.request import load_task as load_task
    from vlbench.api.runs import evaluate as evaluate
    from vlbench.api.website import build_site as build_site
else:  # out of the sight of type checkers, so that a misspelt name stays a mistake to them
    _HOMES = {
        "additions": ("leaderboard_additions",),
        "comparison": ("compare",),
        "fit": ("fit_coop",),
        "request": ("list_models", "list_tasks", "load_model", "load_task"),
        "runs": ("evaluate",),
        "website": ("build_site",),
    }

    def __getattr__(name: str) -> object:
        """A function, imported when it is first asked for: no command needs what all of them need."""
        for home, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{home}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
