"""Names that commas set apart, and amounts that no machine counts to."""

from pathlib import Path

import click
import pytest

from vlbench.cli.flags import Amount, split_names


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


@pytest.mark.parametrize("given", ["nan", "inf", "1e300"])
def test_an_amount_is_one_that_a_machine_counts_to(given: str) -> None:
    assert Amount(min=0).convert("0.5", None, None) == 0.5
    with pytest.raises(click.BadParameter, match="is no number of at most 1,000,000,000"):
        Amount(min=0).convert(given, None, None)
