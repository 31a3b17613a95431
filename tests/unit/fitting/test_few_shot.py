"""Few-shot samples against the indices that Dassl picks."""

import json
import random
from pathlib import Path

import pytest

from vlbench.core.errors import DataError
from vlbench.fitting.few_shot import sample

DASSL = json.loads((Path(__file__).parents[2] / "fixtures" / "coop" / "fewshot.json").read_text())


@pytest.mark.parametrize("case", DASSL["chosen"], ids=lambda case: f"{case['num_shots']}-{case['seed']}")
def test_the_same_images_as_dassl(case):
    assert sample(DASSL["train_labels"], case["num_shots"], case["seed"]) == case["train_indices"]


def test_fifteen_cases_stand_in_the_fixture():
    cases = {(case["seed"], case["num_shots"]) for case in DASSL["chosen"]}
    assert cases == {(seed, shots) for seed in (1, 2, 3) for shots in (1, 2, 4, 8, 16)}


def test_a_rare_label_gives_all_it_has_and_draws_nothing():
    with_rare = sample([5, 9, 9, 9, 9, 5], 3, seed=4)
    assert with_rare[:2] == [0, 5]
    assert [index - 1 for index in with_rare[2:]] == sample([9, 9, 9, 9], 3, seed=4)


def test_the_programs_own_stream_is_neither_read_nor_moved():
    random.seed(7)
    expected = random.random()
    random.seed(7)
    chosen = sample(list(range(10)) * 3, 2, seed=1)
    assert random.random() == expected
    assert sample(list(range(10)) * 3, 2, seed=1) == chosen


def test_no_shots_are_refused():
    with pytest.raises(DataError, match="0 shots leave no image"):
        sample([1, 2], 0, seed=1)
