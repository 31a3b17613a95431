"""Amounts that no machine counts to."""

import click
import pytest

from vlbench.cli.flags import Amount


@pytest.mark.parametrize("given", ["nan", "inf", "1e300"])
def test_an_amount_is_one_that_a_machine_counts_to(given: str) -> None:
    assert Amount(min=0).convert("0.5", None, None) == 0.5
    with pytest.raises(click.BadParameter, match="is no number of at most 1,000,000,000"):
        Amount(min=0).convert(given, None, None)
