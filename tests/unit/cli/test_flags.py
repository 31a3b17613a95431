"""Names that commas set apart."""

from pathlib import Path

import pytest

from vlbench.cli.flags import split_names


def test_a_comma_in_the_path_of_a_folder_sets_nothing_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b").mkdir()
    (tmp_path / "c").mkdir()
    assert split_names(["tagging:a,b"]) == ("tagging:a,b",)
    assert split_names(["shapes,tagging:a,b,digits", "tagging:c,shapes"]) == (
        "shapes",
        "tagging:a,b",
        "digits",
        "tagging:c",
        "shapes",
    )
    assert split_names(["shapes,", "tagging:none,x"]) == ("shapes", "tagging:none", "x")
