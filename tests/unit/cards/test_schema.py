import pytest
from short_cards import model, task

from vlbench.cards.schema import facts_of, zero_shot


@pytest.mark.parametrize(
    ("trained_on", "data", "answer"),
    [
        (["laion2b", "imagenet"], ["imagenet"], "no"),
        (["laion2b"], ["imagenet"], "yes"),
        ([], ["imagenet"], "yes"),
        (None, ["imagenet"], "unknown"),
        (["laion2b"], [], "unknown"),
    ],
)
def test_a_model_is_zero_shot_where_both_cards_say_so(trained_on, data, answer):
    fields = {} if trained_on is None else {"trained_on": trained_on}
    assert zero_shot(model(**fields), task(data)) == answer


@pytest.mark.parametrize(
    ("trained_on", "data", "answer"),
    [
        # what was tuned on is not zero-shot, and what else the weights saw stays unknown
        (None, ["pets"], "no"),
        (None, ["imagenet"], "unknown"),
        (["laion2b"], ["pets"], "no"),
        (["laion2b"], ["imagenet"], "unknown"),
    ],
)
def test_a_model_that_was_tuned_on_something_is_zero_shot_nowhere_for_sure(trained_on, data, answer):
    fields = {} if trained_on is None else {"trained_on": trained_on}
    assert zero_shot(model(**fields, tuned_on=["pets"]), task(data)) == answer


@pytest.mark.parametrize(
    ("thresholds", "answer"),
    [(None, "yes"), ("0.2", "yes"), ("mine.txt", "unknown")],
)
def test_a_file_of_thresholds_does_not_say_what_they_were_chosen_on(thresholds, answer):
    assert zero_shot(model(trained_on=["laion2b"]), task(["imagenet"]), thresholds) == answer
    assert zero_shot(model(trained_on=["imagenet"]), task(["imagenet"]), thresholds) == "no"


def test_what_has_no_card_is_unknown():
    assert zero_shot(None, task(["imagenet"])) == "unknown"
    assert zero_shot(model(trained_on=[]), None) == "unknown"


def test_facts_leave_out_what_a_card_does():
    assert facts_of(model(family="openai", gflops=8.8)) == {"family": "openai", "gflops": 8.8}
    assert facts_of(None) == {}
