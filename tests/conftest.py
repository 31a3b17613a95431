"""Which tests plain `pytest` runs, and the markers that whole folders and files have."""

from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
MARKERS = {
    "results": "gate",
    "tests/fuzz": "slow",
    "tests/contracts": "laws",
    "tests/end_to_end": "slow",
    "tests/miniatures": "slow",
    "tests/regression": "slow",
    "tests/unit/api/test_callback.py": "slow",
    "tests/unit/api/test_failures.py": "slow",
    "tests/unit/datasets/layouts/test_torchvision.py": "slow",
    "tests/unit/datasets/memory": "slow",
    "tests/unit/fitting": "slow",
    "tests/unit/methods/test_elevater_probe.py": "slow",
    "tests/unit/models/memory": "slow",
    "tests/unit/models/ram": "slow",
    "tests/unit/models/timm": "slow",
    "tests/unit/models/transformers": "slow",
    "tests/unit/test_pytest_plugin.py": "slow",
    "tests/unit/test_website.py": "slow",
    "tests/unit/test_what_runs.py": "slow",
}
"""By folder or file, for all that is collected of it."""
NOT_ALONE = "not (browser or cards or gate or gpu or laws or network or slow)"
"""What plain `pytest` runs: what is quick."""


def pytest_configure(config: pytest.Config) -> None:
    """Leave out what is not quick, unless tests are asked for: by a path, `-m`, `-k` or `--last-failed`."""
    asked = any(config.getoption(option, None) for option in ("markexpr", "keyword", "lf"))
    if config.args_source is config.ArgsSource.TESTPATHS and not asked:
        config.option.markexpr = NOT_ALONE


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what plain `pytest` leaves out."""
    return f"vlbench: runs what is {NOT_ALONE}" if config.option.markexpr == NOT_ALONE else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing of a folder that plain `pytest` leaves out whole."""
    return (config.option.markexpr == NOT_ALONE and _markers_of(collection_path) != ()) or None


@cache
def _markers_of(path: Path) -> tuple[str, ...]:
    return tuple(marker for place, marker in MARKERS.items() if path.is_relative_to(CHECKOUT / place))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of its folder or file, before any is chosen by markers."""
    for item in items:
        for marker in _markers_of(item.path):
            item.add_marker(marker)
