"""The fits for effective robustness that ship with the tasks: `tasks/robustness.json`."""

from pathlib import Path

from vlbench.cards.folders import FOLDERS, built_in_folder
from vlbench.core.errors import CardError
from vlbench.core.files import shown
from vlbench.core.robustness import RobustnessFit
from vlbench.core.text_file import read_json

FILE = "robustness.json"


def robustness_path() -> Path:
    """The path of the fits, next to the built-in task cards."""
    return built_in_folder() / FOLDERS["task"] / FILE


def robustness_fits(path: Path | None = None) -> tuple[RobustnessFit, ...]:
    """The fits in a file, by default the built-in one, as scripts/fit_robustness.py wrote them.

    Raises:
        CardError: the file is missing or wrong.
    """
    place = path or robustness_path()
    content = read_json(place, CardError, "install vlbench again, or run scripts/fit_robustness.py")
    try:
        return tuple(RobustnessFit(**fit) for fit in content["fits"])
    except (KeyError, TypeError) as error:
        raise CardError(f"{shown(place)}: {error!r}; run scripts/fit_robustness.py") from error
