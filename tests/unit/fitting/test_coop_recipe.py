"""CoOp's recipe: the schedule that its authors' code runs, and numbers that make no sense refused."""

import numpy as np
import pytest
from parity_weights import FIXTURES

from vlbench.core.errors import VlbenchError
from vlbench.fitting.coop_recipe import CoopRecipe, learning_rate


@pytest.mark.parametrize("epochs", [50, 100, 200])
def test_the_rate_of_every_epoch(epochs: int) -> None:
    golden = np.load(FIXTURES / "coop" / "lr_schedule.npz")[f"lr_maxepoch{epochs}"]
    rates = [learning_rate(epoch, CoopRecipe(epochs=epochs)) for epoch in range(epochs)]
    assert np.allclose(rates, golden, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", ["epochs", "shots", "n_ctx", "batch_size"])
def test_counts_below_one_are_refused(name: str) -> None:
    with pytest.raises(VlbenchError, match=f"{name} is 0; give 1 or more"):
        CoopRecipe(**{"epochs": 1, name: 0})


def test_words_that_are_no_text_are_refused() -> None:
    with pytest.raises(VlbenchError, match=r"ctx_init: the name b'caf\\xe9' is not UTF-8"):
        CoopRecipe(epochs=1, ctx_init="caf\udce9")
