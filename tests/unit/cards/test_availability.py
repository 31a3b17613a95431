"""Places that cards name, found by existence alone."""

from pathlib import Path

import pytest

from vlbench.cards.availability import first_place, missing_package, places
from vlbench.cards.folders import Entry


def entry(folder: Path, *stated: str) -> Entry:
    return Entry("t", folder / "t.yaml", "T", "classification", places=stated)


def test_roots_come_before_the_cards_own_folder(tmp_path: Path) -> None:
    first, second, beside = tmp_path / "a", tmp_path / "b", tmp_path / "cards"
    card = entry(beside, "data:x/val", "data:.")
    assert [place.shown for place in places(card, (first, second))][:3] == [
        str(folder / "x/val") for folder in (first, second, beside)
    ]
    assert first_place(card, (first, second)) is None  # the root itself says nothing
    for folder in (beside, second):
        (folder / "x" / "val").mkdir(parents=True)
        place = first_place(card, (first, second))
        assert place is not None
        assert place.shown == str(folder / "x" / "val")


def test_the_hubs_cache_is_where_its_variables_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    whole, file = entry(tmp_path, "models:o/n"), entry(tmp_path, "models:o/n/sub/w.bin")
    snapshot = tmp_path / "hub" / "models--o--n" / "snapshots" / "0a"
    snapshot.mkdir(parents=True)
    assert first_place(whole, ()) is None
    (snapshot / "config.json").touch()
    assert first_place(whole, ()) is not None
    assert first_place(file, ()) is None
    (snapshot / "sub").mkdir()
    (snapshot / "sub" / "w.bin").touch()
    assert first_place(file, ()) is not None


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "**/**/x", "[", "o/n/**/**x"])
def test_a_name_that_nothing_can_have_is_not_there(name: str, tmp_path: Path) -> None:
    stated = [f"{scheme}:{name}" for scheme in ("data", "card", "models", "datasets")]
    assert first_place(entry(tmp_path, *stated), (tmp_path,)) is None


def test_an_adapter_named_after_an_extra_wants_it_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = ["torch>=2", 'no-such-package>=5; extra == "toy"', 'click>=8; extra == "clicky"']
    monkeypatch.setattr("importlib.metadata.requires", lambda _: stated)
    found = {name: missing_package(name) for name in ("toy", "clicky", "clip")}
    assert found == {"toy": "vlbench[toy]", "clicky": "", "clip": ""}
