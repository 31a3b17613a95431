"""Amounts that no machine counts to."""

import click
import pytest

from vlbench.cli.flags import Amount, flags


@pytest.mark.parametrize("given", ["nan", "inf", "1e300"])
def test_an_amount_is_one_that_a_machine_counts_to(given: str) -> None:
    assert Amount(min=0).convert("0.5", None, None) == 0.5
    with pytest.raises(click.BadParameter, match="is no number of at most 1,000,000,000"):
        Amount(min=0).convert(given, None, None)


def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "cards").mkdir()
    read = []
    command = click.command()(flags("results", "include_path")(lambda **given: read.append(given)))
    command.main(["--results=~/r", "--include-path=~/cards"], standalone_mode=False)
    assert read == [{"results": tmp_path / "r", "include_path": (tmp_path / "cards",)}]
