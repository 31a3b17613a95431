"""Which tests run: the quick ones by plain pytest, what is named by its name, all of them by tox."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from conftest import MARKERS, NOT_ALONE

pytest_plugins = ["pytester"]

CHECKOUT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
QUICK_AND_SLOW = """
import pytest

def test_quick():
    pass

@pytest.mark.slow
def test_slow():
    pass
"""


def test_tox_names_all_that_plain_pytest_looks_through() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(CHECKOUT / "tox.ini")
    assert sorted(tox["tests"]["all"].split()) == sorted(SETTINGS["testpaths"])
    assert "pytest -n auto" in tox["testenv:check"]["commands"]
    assert "{posargs:{[tests]all}}" in tox["testenv:check"]["commands"]


def test_tox_leaves_free_the_place_where_the_readme_makes_its_environment() -> None:
    # else it writes a file there, and `python3 -m venv .venv` fails in a clone whose tests have run
    tox = ConfigParser(interpolation=None)
    tox.read(CHECKOUT / "tox.ini")
    assert "python3 -m venv .venv" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert tox["tox"]["venv_redirect"] == "false"


def test_markers_are_declared_and_their_folders_are_there() -> None:
    declared = {marker.split(":")[0] for marker in SETTINGS["markers"]}
    left_out = set(re.findall(r"\w+", NOT_ALONE)) - {"not", "or"}
    assert left_out == declared - {"any_kernel"}
    assert set(MARKERS.values()) <= left_out
    assert all((CHECKOUT / folder).exists() for folder in MARKERS)


@pytest.mark.parametrize(
    ("named", "passed"),
    [
        ((), 1),
        (("tests",), 2),
        (("tests/test_both.py::test_slow",), 1),
        (("-m", "slow or not slow"), 2),
        (("-k", "quick or slow"), 2),
    ],
    ids=["nothing", "a folder", "a test", "markers", "words"],
)
def test_what_is_not_quick_runs_where_it_is_named(
    pytester: pytest.Pytester, named: tuple[str, ...], passed: int
) -> None:
    pytester.makeini("[pytest]\ntestpaths = tests\nmarkers =\n slow: over a second\n")
    pytester.mkdir("tests")
    (pytester.path / "tests" / "conftest.py").write_text((CHECKOUT / "tests" / "conftest.py").read_text())
    (pytester.path / "tests" / "test_both.py").write_text(QUICK_AND_SLOW)
    done = pytester.runpytest("-p", "no:cacheprovider", *named)
    done.assert_outcomes(passed=passed, deselected=0 if named else 1)
