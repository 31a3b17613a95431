from dataclasses import replace

import numpy as np
import pytest

from vlbench.core.contracts import Dataset, Prediction, ScoreUnit, Text
from vlbench.core.items import Items, asked_by_item
from vlbench.core.problem import Asked, Groups, Problem, by_words
from vlbench.core.relevance import Relevance

UNIT = ScoreUnit("cosine")


@pytest.fixture
def problem():
    """Two images and three texts; text 2 is true of none."""

    def of(*pairs):
        images, texts = np.array(pairs).T
        return Problem(
            Dataset("", "", range(2)),
            by_words(tuple(map(Text, "abc"))),
            Relevance.from_pairs(images, texts, (2, 3)),
        )

    return of


def test_classification_keeps_ranks_and_the_one_class_of_every_image(problem):
    prediction = Prediction(UNIT, {"row_ranks": np.array([1, 3])})
    items = Items.of(problem((0, 1), (1, 0)), prediction)
    assert (items.image_ranks.tolist(), items.classes.tolist()) == ([1, 3], [1, 0])
    assert items.scores is items.positives is items.text_images is None
    assert Items.of(problem((0, 1), (0, 2), (1, 0)), prediction).classes is None
    assert Items.of(problem((0, 1), (0, 2)), prediction).classes is None


def test_retrieval_keeps_both_ranks_and_the_first_image_of_every_caption(problem):
    prediction = Prediction(UNIT, {"row_ranks": np.array([1, 2]), "column_ranks": np.array([2, 1, 0])})
    items = Items.of(problem((0, 0), (1, 0), (1, 1)), prediction)
    assert items.text_ranks.tolist() == [2, 1, 0]
    assert items.text_images.tolist() == [0, 1, -1]
    assert items.classes is None


def test_asked_pairs_bear_numbers_of_items_in_the_order_of_their_names(problem):
    asked = Relevance.from_pairs(np.array([0, 0, 1]), np.array([0, 1, 2]), (2, 3))
    groups = {"item": Groups("queries", ("é", "é", "Z"))}
    of = replace(problem((0, 1), (1, 2)), asked=Asked("only", asked), groups=groups)
    pairs = [[0, 0, 1, 0], [0, 1, 1, 1], [1, 2, 0, 1]]
    assert asked_by_item(of).tolist() == pairs
    kept = Items.of(of, Prediction(UNIT, {"pair_scores": np.zeros(3, dtype=np.float32)}))
    assert kept.pairs.tolist() == pairs


def test_scores_are_kept_up_to_a_number_and_the_truth_always(problem):
    scores = np.arange(6, dtype=np.float32).reshape(2, 3)
    asked = problem((0, 1), (1, 0), (1, 1))
    kept = Items.of(
        asked, Prediction(UNIT, {"scores": scores}), influence=np.array([0.25, 0.5]), most_scores=6
    )
    assert kept.scores is scores
    assert kept.positives.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert kept.relevant.dense().tolist() == asked.relevant.dense().tolist()
    assert kept.influence.dtype == np.float32
    lean = Items.of(asked, Prediction(UNIT, {"scores": scores}), most_scores=5)
    assert lean.scores is lean.relevant is lean.influence is None
    assert lean.positives.tolist() == kept.positives.tolist()


def test_of_texts_that_are_asked_by_texts_nothing_counts_images(problem):
    """A result counts no image of them, so that a record of two could not be read back."""
    of_images = problem((0, 0), (1, 1))
    texts = replace(of_images, candidates=(Text("x"), Text("y")))
    ranks = {"row_ranks": np.array([1, 2]), "column_ranks": np.array([2, 1, 0])}
    items = Items.of(texts, Prediction(UNIT, ranks), influence=np.zeros(2))
    assert items.text_ranks.tolist() == [2, 1, 0]
    assert items.image_ranks is items.text_images is items.influence is None
