"""A short, seeded part of what `python -m tests.fuzz` does: no damaged input is more than one line."""

import pytest
from fuzz.inputs import INPUTS
from fuzz.sweep import Tally, faults_text, shares, sweep

SEED, CASES = 1, 400


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    wanted = shares(list(INPUTS.values()), CASES)
    return {each.input: each for each in sweep(INPUTS, "fuzz.inputs", wanted, SEED)}


@pytest.mark.parametrize("name", INPUTS)
def test_damaged_input_is_taken_or_refused_in_a_line(name: str, tallies: dict[str, Tally]) -> None:
    found = tallies[name]
    assert found.cases > 0
    assert not found.faults, faults_text([found])
