"""Which tests plain `pytest` runs, and the markers that whole folders and files have."""

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
    "tests/unit/fitting": "slow",
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of its folder or file, before any is chosen by markers."""
    for item in items:
        for folder, marker in MARKERS.items():
            if item.path.is_relative_to(CHECKOUT / folder):
                item.add_marker(marker)
