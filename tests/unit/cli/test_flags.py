"""Names that commas set apart."""

from pathlib import Path

import pytest

from vlbench.cli.flags import names_in


def test_a_comma_in_the_path_of_a_folder_sets_nothing_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b").mkdir()
    (tmp_path / "c").mkdir()
    assert names_in(["tagging:a,b"]) == ("tagging:a,b",)
    assert names_in(["shapes,tagging:a,b,digits", "tagging:c,shapes"]) == (
        "shapes",
        "tagging:a,b",
        "digits",
        "tagging:c",
        "shapes",
    )
    assert names_in(["shapes,", "tagging:none,x"]) == ("shapes", "tagging:none", "x")
