"""Which tests plain `pytest` runs, and the markers that whole folders have."""

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
MARKERS = {
    "results": "gate",
    "tests/fuzz": "slow",
    "tests/contracts": "laws",
    "tests/end_to_end": "slow",
}
"""By folder, for all that is collected below it."""
NOT_ALONE = "not (browser or cards or gate or gpu or laws or network or slow)"
"""What plain `pytest` runs: what is quick."""


def pytest_configure(config: pytest.Config) -> None:
    """Leave out what is not quick, unless tests are asked for: by a path, `-m`, `-k` or `--last-failed`."""
    asked = any(config.getoption(option, None) for option in ("markexpr", "keyword", "lf"))
    if config.args_source is config.ArgsSource.TESTPATHS and not asked:
        config.option.markexpr = NOT_ALONE


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of its folder, before any is chosen by markers."""
    for item in items:
        for folder, marker in MARKERS.items():
            if item.path.is_relative_to(CHECKOUT / folder):
                item.add_marker(marker)
