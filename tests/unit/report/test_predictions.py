from dataclasses import replace

import numpy as np
import pandas as pd

from vlbench.core.contracts import Dataset, Example, Prediction, ScoreUnit, Text
from vlbench.core.problem import Asked, Groups, Problem, by_words
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.engine.scoring import stored_scores
from vlbench.report.predictions import prediction_frame, write_predictions
from vlbench.scorings.two_way_best import two_way_best

UNIT = ScoreUnit("cosine")
TEXTS = (Text("cat"), Text("dog"), Text("eel"))


def problem(*pairs):
    images = Dataset("", "", [Example(id=name, image=None, target=None) for name in ("1.jpg", "2.jpg")])
    array = np.array(pairs, dtype=np.int64)
    return Problem(images, by_words(TEXTS), Relevance.from_pairs(array[:, 0], array[:, 1], (2, 3)))


def written(path):
    return pd.read_parquet(path).to_dict("list")


def test_classification_keeps_rank_and_best_names_of_every_image(make_result, tmp_path):
    prediction = Prediction(
        UNIT,
        {
            "row_ranks": np.array([1, 2]),
            "best": np.array([[0, 2], [2, 1]]),
            "best_scores": np.array([[0.5, 0.25], [0.75, 0.5]], dtype=np.float32),
        },
    )
    path = write_predictions(make_result(), prediction_frame(problem((0, 0), (1, 1)), prediction), tmp_path)
    assert path == tmp_path / "shapes" / "small.predictions.parquet"
    columns = written(path)
    assert (columns["id"], columns["rank"]) == (["1.jpg", "2.jpg"], [1, 2])
    assert [list(names) for names in columns["best"]] == [["cat", "eel"], ["eel", "dog"]]
    assert [list(scores) for scores in columns["best_scores"]] == [[0.5, 0.25], [0.75, 0.5]]
    assert (columns["label"], columns["label_index"]) == (["cat", "dog"], [0, 1])
    assert [list(places) for places in columns["best_index"]] == [[0, 2], [2, 1]]


def test_retrieval_has_rows_for_images_and_for_texts(make_result, tmp_path):
    prediction = Prediction(UNIT, {"row_ranks": np.array([1, 3]), "column_ranks": np.array([2, 1, 0])})
    columns = written(
        write_predictions(make_result(), prediction_frame(problem((0, 0), (1, 1)), prediction), tmp_path)
    )
    assert columns == {
        "side": ["image", "image", "text", "text", "text"],
        "id": ["1.jpg", "2.jpg", "cat", "dog", "eel"],
        "rank": [1, 3, 2, 1, 0],
    }


def test_retrieval_names_what_is_retrieved_beside_what_is_right():
    scores = np.array([[0.5, 0.5, 0.25], [0.75, 0.0, -0.0]], dtype=np.float32)
    asked = problem((0, 0), (0, 2), (1, 1))
    kept = two_way_best.run(stored_scores(scores, asked), asked)
    frame = prediction_frame(asked, Prediction(UNIT, kept), two_way_best.axes)
    assert frame["retrieved"].tolist() == [
        ["cat", "dog", "eel"],
        ["cat", "dog", "eel"],
        ["2.jpg", "1.jpg"],
        ["1.jpg", "2.jpg"],
        ["1.jpg", "2.jpg"],
    ]
    assert frame["relevant"].tolist() == [["cat", "eel"], ["dog"], ["1.jpg"], ["2.jpg"], ["1.jpg"]]


def test_tagging_keeps_scores_beside_the_right_tags_even_where_there_are_none(make_result, tmp_path):
    scores = np.array([[0.5, 1.0, 0.0], [0.25, 0.0, 1.0]], dtype=np.float32)
    prediction = Prediction(UNIT, {"scores": scores})
    columns = written(
        write_predictions(make_result(), prediction_frame(problem((0, 1), (0, 2)), prediction), tmp_path)
    )
    assert [list(row) for row in columns["scores"]] == scores.tolist()
    assert [list(names) for names in columns["relevant"]] == [["dog", "eel"], []]


def test_an_unknown_tag_has_no_score(make_result, tmp_path):
    scores = np.array([[0.5, np.nan, 0.0], [0.25, 0.0, 1.0]], dtype=np.float32)
    prediction = Prediction(UNIT, {"scores": scores})
    columns = written(
        write_predictions(make_result(), prediction_frame(problem((0, 0)), prediction), tmp_path)
    )
    found = [np.asarray(row, dtype=np.float32) for row in columns["scores"]]
    np.testing.assert_array_equal(found, scores)


def test_arrays_of_a_scoring_of_ones_own_are_written_by_whose_they_are(make_result, tmp_path):
    question = problem((0, 0), (1, 1))
    asked = Asked("only", Relevance.from_pairs(np.array([0, 0, 1, 1]), np.array([0, 2, 1, 2]), (2, 3)))
    prediction = Prediction(
        UNIT,
        {
            "margins": np.array([0.5, -0.5]),
            "hits": np.array([True, False, True]),
            "pair_scores": np.array([0.4, 0.3, 0.2, 0.1]),
            "odd": np.arange(5),
        },
    )
    path = write_predictions(
        make_result(), prediction_frame(replace(question, asked=asked), prediction), tmp_path
    )
    rows = pd.read_parquet(path)
    assert dict(zip(rows.id[:2], rows.margins[:2], strict=True)) == {"1.jpg": 0.5, "2.jpg": -0.5}
    texts = rows[rows.side == "text"]
    assert (list(texts.id), list(texts.hits)) == (["cat", "dog", "eel"], [True, False, True])
    pairs = rows[rows.side == "pair"]
    assert list(zip(pairs.id, pairs["query"], pairs.pair_scores, strict=True)) == [
        ("1.jpg", "cat", 0.4),
        ("1.jpg", "eel", 0.3),
        ("2.jpg", "dog", 0.2),
        ("2.jpg", "eel", 0.1),
    ]
    assert list(rows[rows.side == "odd"].odd) == [0, 1, 2, 3, 4]


def test_a_partial_run_leaves_the_whole_ones_predictions_alone(make_result, tmp_path):
    prediction = Prediction(UNIT, {"row_ranks": np.array([1, 2])})
    path = write_predictions(
        make_result(partial="limit"), prediction_frame(problem((0, 0), (1, 1)), prediction), tmp_path
    )
    assert path.name == "small.partial.predictions.parquet"


def test_what_as_many_images_as_texts_have_stands_where_its_scoring_says(make_result, tmp_path):
    images, texts = ("1.jpg", "2.jpg"), ("a cat", "a dog")
    pairs = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    both = Relevance.from_pairs(pairs[:, 0], pairs[:, 1], (2, 2))
    asked = Problem(
        Dataset("", "", [Example(id=name, image=None, target=None) for name in images]),
        by_words(tuple(map(Text, texts))),
        Relevance.from_pairs(np.array([0, 1]), np.array([1, 0]), (2, 2)),
        Asked("only", both),
        groups={"item": Groups("queries", ("7", "7"))},
    )
    arrays = {
        "pair_scores": np.array([0.1, 0.2, 0.3, 0.4]),
        "wrong_above": np.array([0, 1]),
        "queries_cut": np.array([False, True]),
        "candidates_alike": np.array([0, 0]),
    }
    axes = SCORINGS.get("asked_pairs").axes
    path = write_predictions(make_result(), prediction_frame(asked, Prediction(UNIT, arrays), axes), tmp_path)
    rows = pd.read_parquet(path)
    about = ["side", "id", "query", "item", "is_right"]
    found = {name: rows.loc[rows[name].notna(), [*about, name]].fillna("").values.tolist() for name in arrays}
    assert found == {
        "pair_scores": [
            ["pair", "1.jpg", "a cat", "7", False, 0.1],
            ["pair", "1.jpg", "a dog", "7", True, 0.2],
            ["pair", "2.jpg", "a cat", "7", True, 0.3],
            ["pair", "2.jpg", "a dog", "7", False, 0.4],
        ],
        "wrong_above": [["pair", "1.jpg", "a dog", "7", True, 0], ["pair", "2.jpg", "a cat", "7", True, 1]],
        "queries_cut": [["text", "a cat", "", "7", "", False], ["text", "a dog", "", "7", "", True]],
        "candidates_alike": [["image", "1.jpg", "", "", "", 0], ["image", "2.jpg", "", "", "", 0]],
    }
