"""Composed retrieval: a reference image and words ask for an image; a method composes the two."""

import numpy as np
import pytest
from miniatures.composers import IMAGE_ONLY, RAW_SUM, SUM, TEXT_ONLY, composing, unit
from miniatures.hand import alike, by_vectors, loaded, pairs_of, pictures, run, task, values
from miniatures.measures import precision_at

from vlbench.core.contracts import Text
from vlbench.core.errors import NotFinite, Unsupported
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Asked, Groups, Problem, Query

WORDS = ("more red", "more blue")
ROWS = [[3.0, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]]
"""Gallery: red, green, red and green, blue, red and blue. Red is thrice as long as the others."""
MODEL = by_vectors(ROWS, {"more red": (1, 0, 0), "more blue": (0, 0, 1)})
GREEN_MORE_RED, RED_MORE_BLUE = (Query(Text("more red"), image=1), Query(Text("more blue"), image=0))


def composed(asked=None, scoring="columns", metrics=("image_retrieval_recall@1", "image_retrieval_recall@2")):
    """Green and `more red` ask for picture 2, red and `more blue` for picture 4."""
    gallery = pictures(5)
    problem = Problem(
        candidates=gallery,
        queries=(GREEN_MORE_RED, RED_MORE_BLUE),
        relevant=pairs_of([(2, 0), (4, 1)], (5, 2)),
        asked=asked,
        references=gallery,
    )
    return task("composed", problem, scoring, metrics_of(metrics))


REFERENCES = pairs_of([(1, 0), (0, 1)], (5, 2))


@pytest.mark.parametrize(
    ("method", "kept", "left_out"),
    [
        # green: 0, 1, 0.71, 0, 0: second, behind itself. Red: 1, 0, 0.71, 0, 0.71: a tie behind itself
        (IMAGE_ONLY, [2, 3], [1, 2]),
        # red words: 1, 0, 0.71, 0, 0.71: behind red, and tied with picture 4. Blue words: behind blue
        (TEXT_ONLY, [3, 2], [3, 2]),
        # (1, 1, 0): 0.71, 0.71, 1, 0, 0.5 and (1, 0, 1): 0.71, 0, 0.5, 0.71, 1
        (SUM, [1, 1], [1, 1]),
        # (1, 1, 0) as before; (3, 0, 1): 0.95, 0, 0.67, 0.32, 0.89: the reference is louder
        (RAW_SUM, [1, 2], [1, 1]),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_cirr_leaves_out_the_reference_and_circo_keeps_it(method, kept, left_out, tmp_path):
    for asked, ranks in ((None, kept), (Asked("but", REFERENCES), left_out)):
        result = run(composed(asked), MODEL, tmp_path, method)
        share = {f"image_retrieval_recall@{k}": float(np.mean(np.array(ranks) <= k)) for k in (1, 2)}
        assert values(result) == share
        assert result.model == f"hand+{method.name}"


def test_cirr_has_a_task_of_its_own_for_its_subset(tmp_path):
    """Query 0 is asked of pictures 2, 3, 4, query 1 of 3, 4; the reference is in neither."""
    subset = Asked("only", pairs_of([(2, 0), (3, 0), (4, 0), (3, 1), (4, 1)], (5, 2)))
    names = ("image_retrieval_recall@1", "image_retrieval_recall@2")
    for scoring in ("asked_pairs", "columns"):
        found = values(run(composed(subset, scoring, names), MODEL, tmp_path / scoring, TEXT_ONLY))
        # red words: 0.71, 0, 0.71: a tie. Blue words: 1, 0.71: second of two, so nobody can miss the first 2
        assert found == {"image_retrieval_recall@1": 0.0, "image_retrieval_recall@2": None}


def test_the_tasks_of_one_gallery_encode_each_image_once(tmp_path):
    first = run(composed(), MODEL, tmp_path, SUM)
    assert (first.timing.images_encoded, first.timing.texts_encoded) == (5, 2)
    for asked in (Asked("but", REFERENCES), Asked("only", pairs_of([(2, 0), (4, 1)], (5, 2)))):
        again = run(composed(asked), MODEL, tmp_path, SUM)
        assert (again.timing.images_encoded, again.timing.texts_encoded) == (0, 0)


def test_references_outside_the_gallery_are_encoded_too(tmp_path):
    problem = Problem(
        candidates=pictures(3, first=2),
        queries=(GREEN_MORE_RED, RED_MORE_BLUE),
        relevant=pairs_of([(0, 0), (2, 1)], (3, 2)),
        references=pictures(2),
    )
    asked = task("split", problem, "columns", metrics_of(("image_retrieval_recall@1",)))
    result = run(asked, MODEL, tmp_path, SUM)
    assert result.score == 1.0
    assert (result.n_images, result.timing.images_encoded) == (3, 5)


def circo():
    """One query of three truths, pictures 0, 2 and 4, and one of one, picture 3; two aspects of the first."""
    gallery = pictures(5)
    problem = Problem(
        candidates=gallery,
        queries=(Query(Text("more red"), image=0), Query(Text("more blue"), image=1)),
        relevant=pairs_of([(0, 0), (2, 0), (4, 0), (3, 1)], (5, 2)),
        references=gallery,
        groups={
            "addition": Groups("queries", ("yes", "")),
            "negation": Groups("queries", ("yes", "yes")),
        },
    )
    return task("circo", problem, "columns", {f"map@{k}": precision_at for k in (1, 2, 3, 5)})


def test_circo_has_several_truths(tmp_path):
    rows = [[9.0, 0], [8, 0], [7, 0], [5, 0], [6, 0]]
    angles = [[np.cos(a), np.sin(a)] for a in (0.1, 0.2, 0.3, 0.5, 0.4)]
    rows = (np.array(rows)[:, :1] * np.array(angles)).tolist()
    checkpoint = by_vectors(rows, {"more red": (1, 0), "more blue": (0, 1)})
    found = values(run(circo(), checkpoint, tmp_path, TEXT_ONLY))
    # query 0 ranks 0, 1, 2, 4, 3: truths at 1, 3, 4, precisions 1, 2/3, 3/4; query 1 ranks 3 first
    assert found == pytest.approx(
        {
            "map@1": (1 + 1) / 2,
            "map@2": (1 / 2 + 1) / 2,
            "map@3": ((1 + 2 / 3) / 3 + 1) / 2,
            "map@5": ((1 + 2 / 3 + 3 / 4) / 3 + 1) / 2,
        }
    )


def genecis(scoring="asked_pairs"):
    """Three queries with a gallery each, of which the first is the target; picture 4 is in two galleries."""
    galleries = ((2, 0, 3), (4, 2, 3), (0, 1, 4))
    queries = (GREEN_MORE_RED, RED_MORE_BLUE, Query(Text("more red"), image=3))
    asked = [(image, query) for query, gallery in enumerate(galleries) for image in gallery]
    problem = Problem(
        candidates=pictures(5),
        queries=queries,
        relevant=pairs_of([(gallery[0], query) for query, gallery in enumerate(galleries)], (5, 3)),
        asked=Asked("only", pairs_of(asked, (5, 3))),
        references=pictures(5),
    )
    names = tuple(f"image_retrieval_recall@{k}" for k in (1, 2, 3))
    return task("genecis", problem, scoring, metrics_of(names))


@pytest.mark.parametrize("scoring", ["asked_pairs", "columns"])
def test_genecis_has_a_gallery_for_every_query(scoring, tmp_path):
    # (1, 1, 0) of 2, 0, 3: 1, 0.71, 0: first. (1, 0, 1) of 4, 2, 3: 1, 0.5, 0.71: first.
    # (1, 0, 1) of 0, 1, 4: 0.71, 0, 1: second. All galleries are of 3: nobody can miss the first 3
    found = values(run(genecis(scoring), MODEL, tmp_path, SUM))
    assert list(found.values()) == [2 / 3, 1.0, None]


@pytest.mark.parametrize("asked", [composed, circo, genecis], ids=lambda make: make.__name__)
@pytest.mark.parametrize("method", [IMAGE_ONLY, TEXT_ONLY, SUM], ids=lambda method: method.name)
def test_a_constant_model_finds_nothing_before_the_last(asked, method, tmp_path):
    found = values(run(asked(), alike(MODEL), tmp_path, method))
    if asked is circo:  # of 5, the truths of query 0 are at 3, 4, 5, that of query 1 at 5
        assert found == pytest.approx(
            {"map@1": 0, "map@2": 0, "map@3": 1 / 18, "map@5": ((1 / 3 + 2 / 4 + 3 / 5) / 3 + 1 / 5) / 2}
        )
    else:
        assert set(found.values()) <= {0.0, None}


def test_a_method_that_makes_nan_is_refused(tmp_path):
    with pytest.raises(NotFinite, match="method"):
        run(composed(), MODEL, tmp_path, composing("broken", lambda images, words: images * np.nan))


def test_an_image_and_words_without_a_composer_are_refused_before_anything_is_loaded(tmp_path):
    checkpoint = by_vectors(ROWS, dict.fromkeys(WORDS, (1, 0, 0)))
    with pytest.raises(Unsupported, match="choose a method that composes them"):
        run(composed(), checkpoint, tmp_path)
    assert checkpoint.loads == 0


def test_a_real_model_is_asked_the_same(tiny_clip, tmp_path):
    import torch

    asked = composed(Asked("but", REFERENCES))
    result = run(asked, tiny_clip, tmp_path, SUM)
    model = loaded(tiny_clip)
    with torch.inference_mode():
        pixels = torch.stack([model.preprocess(each.image()) for each in asked.problem.images.examples])
        images = model.vectors(model.encode_images(pixels)).numpy()
        texts = model.vectors(model.encode_texts(asked.problem.texts, batch_size=2)).numpy()
    scores = unit(images) @ unit(unit(images[[1, 0]]) + unit(texts)).T
    scores[[1, 0], [0, 1]] = -np.inf
    ranks = [int((scores[:, query] >= scores[right, query]).sum()) for query, right in enumerate((2, 4))]
    assert result.score == np.mean(np.array(ranks) <= 1)
