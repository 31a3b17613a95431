import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from vlbench.cards import folders
from vlbench.cards.folders import built_in_folder, card_folders
from vlbench.core.errors import CardError, PluginError


def as_entry_points(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [EntryPoint(f"cards{i}", value, folders.ENTRY_POINTS) for i, value in enumerate(values)]
    monkeypatch.setattr(folders, "entry_points", lambda group: points)


@pytest.fixture
def package(cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that must not be imported, with cards in a sub-folder."""
    root = tmp_path / "site" / "vlbench_plug_in_of_test"
    (root / "cards" / "tasks").mkdir(parents=True)
    (root / "__init__.py").write_text("raise AssertionError('imported')\n")
    monkeypatch.syspath_prepend(str(root.parent))
    return root


@pytest.mark.parametrize(
    "value", ["vlbench_plug_in_of_test.cards", "vlbench_plug_in_of_test.cards.module:attr"]
)
def test_a_plug_ins_folder_is_found_without_importing_it(
    package: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_entry_points(monkeypatch, value)
    assert card_folders(())[package / "cards" / "tasks"] == "task"
    assert package.name not in sys.modules


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("vlbench_plug_in_of_test", "holds neither tasks/ nor model_cards/"),
        ("vlbench_no_such_package", "no package 'vlbench_no_such_package'"),
    ],
)
def test_a_plug_in_without_cards_is_named(
    package: Path, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_entry_points(monkeypatch, value)
    with pytest.raises(PluginError, match=f"cards 'cards0' of an unknown distribution: .*{told}"):
        card_folders(())


def test_a_folder_of_the_user_that_is_missing_or_empty_is_named(cards: Path, tmp_path: Path) -> None:
    with pytest.raises(CardError, match="nowhere: no such folder"):
        card_folders([tmp_path / "nowhere"])
    with pytest.raises(CardError, match="has no card"):
        card_folders([tmp_path])


def test_the_checkout_comes_first_and_the_wheel_holds_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    installed = site / "vlbench" / "_cards"
    (installed / "tasks").mkdir(parents=True)
    (site / "tasks").mkdir()  # another package's: no checkout without a pyproject.toml
    monkeypatch.setattr(folders, "__file__", str(site / "vlbench" / "cards" / "folders.py"))
    monkeypatch.setattr("importlib.resources.files", lambda package: site / package)
    assert built_in_folder() == installed

    (site / "pyproject.toml").touch()
    assert built_in_folder() == site
