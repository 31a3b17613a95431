"""Images ask for images, with junk that is left out; and images that nobody asks about, in clusters."""

import numpy as np
import pytest
from miniatures.hand import alike, by_vectors, loaded, pairs_of, pictures, run, task, values
from miniatures.measures import k_means, mutual_information, trapezoid_precision

from vlbench.core.contracts import Text
from vlbench.core.errors import Unsupported
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Asked, Groups, Problem, Query

EASY, HARD, JUNK = [(1, 0), (4, 0)], [(3, 0), (2, 1)], [(2, 0), (0, 1)]
"""(picture, query): of six pictures, to queries 0 and 1, which are pictures 6 and 7."""
ANGLES = (0.6, 0.2, 0.1, 0.5, 0.3, 0.4, 0.0, 1.6)
OXFORD = by_vectors([[np.cos(angle), np.sin(angle)] for angle in ANGLES])
"""Query 0 ranks pictures 2, 1, 4, 5, 3, 0, query 1 the other way round: 0, 3, 5, 4, 1, 2."""


def oxford(right, junk):
    problem = Problem(
        candidates=pictures(6),
        queries=(Query(image=0), Query(image=1)),
        relevant=pairs_of(right, (6, 2)),
        asked=Asked("but", pairs_of(junk, (6, 2))),
        references=pictures(2, first=6),
    )
    return task(f"oxford {len(right)} {len(junk)}", problem, "columns", {"map": trapezoid_precision})


LEVELS = {
    # query 0 without 2 and 3: 1, 4, 5, 0: right at 1 and 2: AP 1. Query 1 has no easy one and is left out
    "easy": (EASY, HARD + JUNK, 1.0),
    # query 0 without 2: 1, 4, 5, 3, 0: right at 1, 2, 4: (1 + 1 + (2/3 + 3/4) / 2) / 3
    # query 1 without 0: 3, 5, 4, 1, 2: right at 5: (0 + 1/5) / 2
    "medium": (EASY + HARD, JUNK, ((1 + 1 + (2 / 3 + 3 / 4) / 2) / 3 + 1 / 10) / 2),
    # query 0 without 1, 2, 4: 5, 3, 0: right at 2: (0 + 1/2) / 2. Query 1 as before
    "hard": (HARD, EASY + JUNK, (1 / 4 + 1 / 10) / 2),
}


def test_easy_medium_and_hard_are_tasks_on_the_same_features(tmp_path):
    encoded = []
    for right, junk, expected in LEVELS.values():
        result = run(oxford(right, junk), OXFORD, tmp_path)
        assert result.score == pytest.approx(expected, abs=1e-12)
        encoded.append(result.timing.images_encoded)
    assert encoded == [8, 0, 0]  # six pictures and two queries, once
    assert (result.n_images, result.n_texts) == (6, 2)


def test_junk_that_is_asked_about_is_wrong(tmp_path):
    right = EASY + HARD
    problem = Problem(
        pictures(6),
        (Query(image=0), Query(image=1)),
        pairs_of(right, (6, 2)),
        references=pictures(2, first=6),
    )
    asked = task("junk", problem, "columns", {"map": trapezoid_precision})
    # query 0: 2, 1, 4, 5, 3, 0: right at 2, 3, 5; query 1: 0, 3, 5, 4, 1, 2: right at 6
    first = ((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2 + (2 / 4 + 3 / 5) / 2) / 3
    assert run(asked, OXFORD, tmp_path).score == pytest.approx((first + (0 + 1 / 6) / 2) / 2, abs=1e-12)


def leave_one_out():
    """Every picture asks for the others of its class; itself is skipped by its name, its twin is not."""
    classes = "aabb"
    right = [(i, j) for i in range(4) for j in range(4) if i != j and classes[i] == classes[j]]
    problem = Problem(
        candidates=pictures(4),
        queries=tuple(Query(image=j) for j in range(4)),
        relevant=pairs_of(right, (4, 4)),
        asked=Asked("but", pairs_of([(j, j) for j in range(4)], (4, 4))),
        references=pictures(4),
    )
    return task("one out", problem, "columns", {"map": trapezoid_precision})


def test_a_query_is_left_out_by_itself_and_not_by_its_rank(tmp_path):
    """Pictures 0 and 2 are twins of different classes: each stands above the other's right one."""
    twins = by_vectors([[1, 0], [0.9, 0.1], [1, 0], [0, 1]])
    result = run(leave_one_out(), twins, tmp_path)
    # 0: 2 before 1; 1: 0 ties with 2; 2: 0, 1 before 3; 3: 1 before 0 and 2, which tie: 2 is third
    expected = [(0 + 1 / 2) / 2, (0 + 1 / 2) / 2, (0 + 1 / 3) / 2, (0 + 1 / 3) / 2]
    assert result.score == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.timing.images_encoded == 4


def test_images_ask_for_words(tmp_path):
    """Captions are the candidates, images the queries: each caption is right of one image."""
    table = {"low": (1, 0.1), "high": (0.1, 1)}
    problem = Problem(
        candidates=tuple(map(Text, table)),
        queries=(Query(image=0), Query(image=1), Query(image=2)),
        relevant=pairs_of([(0, 0), (1, 1), (1, 2)], (2, 3)),
        references=pictures(3),
    )
    asked = task("captions", problem, "columns", metrics_of(("image_retrieval_recall@1",)))
    result = run(asked, by_vectors([[3, 1], [1, 3], [2, 1]], table), tmp_path)
    assert result.score == 2 / 3
    assert (result.n_images, result.timing.images_encoded) == (0, 3)


def test_a_constant_model_has_every_wrong_image_before_the_right_ones(tmp_path):
    found = [run(oxford(*level[:2]), alike(OXFORD), tmp_path).score for level in LEVELS.values()]
    # easy: right at 3, 4 of 4: ((0 + 1/3) + (1/3 + 2/4)) / 4. Medium: 3, 4, 5 of 5 and 5 of 5
    easy = ((0 + 1 / 3) / 2 + (1 / 3 + 2 / 4) / 2) / 2
    medium = ((0 + 1 / 3) / 2 + (1 / 3 + 2 / 4) / 2 + (2 / 4 + 3 / 5) / 2) / 3
    # hard: right at 3 of 3, and 5 of 5
    assert found == pytest.approx([easy, (medium + 1 / 10) / 2, (1 / 6 + 1 / 10) / 2], abs=1e-12)


CLASSES = ("cat", "cat", "dog", "dog", "cat", "dog")
TWO_HEAPS = by_vectors([[9, 1], [8, 0], [0, 7], [1, 9], [5, 0.5], [0.2, 3]])


def clustering(classes=CLASSES, metrics=None):
    """Six pictures that nobody asks about, and the class of each."""
    problem = Problem(
        candidates=pictures(len(classes)),
        queries=(),
        relevant=pairs_of([], (len(classes), 0)),
        groups={"class": Groups("candidates", classes)},
    )
    return task("heaps", problem, "features", metrics or {"nmi": mutual_information})


def test_a_clustering_has_no_queries(tmp_path):
    result = run(clustering(), TWO_HEAPS, tmp_path)
    assert result.score == pytest.approx(1.0)
    assert (result.n_images, result.n_texts, result.n_relevant) == (6, 0, 0)
    assert (result.timing.images_encoded, result.timing.texts_encoded) == (6, 0)
    assert TWO_HEAPS.model.texts_seen == []


def test_a_clustering_is_measured_by_its_classes(tmp_path):
    """Heaps of 3 and 3, each of two of one class and one of the other."""
    mixed = run(clustering(("cat", "cat", "dog", "dog", "dog", "cat")), TWO_HEAPS, tmp_path)
    shared = 4 / 6 * np.log(2 / 6 / (1 / 4)) + 2 / 6 * np.log(1 / 6 / (1 / 4))
    assert mixed.score == pytest.approx(shared / np.log(2))


def test_a_long_clustering_runs_without_a_word(tmp_path):
    """More images than a dry pass comes before."""
    many = by_vectors([[1.0, i % 2 * 5] for i in range(60)])
    result = run(clustering(tuple("ab"[i % 2] for i in range(60))), many, tmp_path)
    assert result.score == pytest.approx(1.0)


def test_a_constant_model_tells_no_heaps_apart(tmp_path):
    assert run(clustering(), alike(TWO_HEAPS), tmp_path).score == pytest.approx(0.0)


def test_a_model_without_vectors_is_refused_before_it_is_loaded(tmp_path):
    checkpoint = by_vectors([[1.0, 0.0]] * 6)
    checkpoint.capabilities = frozenset()
    for asked in (clustering(), oxford(*LEVELS["easy"][:2])):
        with pytest.raises(Unsupported, match="does not offer vectors"):
            run(asked, checkpoint, tmp_path)
    assert checkpoint.loads == 0


def test_a_real_model_is_asked_the_same(seeing, tmp_path):
    import torch
    from sklearn.metrics import normalized_mutual_info_score

    asked = oxford(*LEVELS["medium"][:2])
    found = run(asked, seeing, tmp_path)
    model = loaded(seeing)
    with torch.inference_mode():
        pixels = torch.stack([model.preprocess(each.image()) for each in pictures(8).examples])
        vectors = model.vectors(model.encode_images(pixels)).numpy()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = unit[:6] @ unit[6:].T
    scores[[2, 0], [0, 1]] = -np.inf
    precisions = []
    for query, right in enumerate(([1, 4, 3], [2])):
        order = np.argsort(-scores[:, query], kind="stable").tolist()
        places = sorted(order.index(each) for each in right)  # from 0
        terms = [((j / p if p else 1) + (j + 1) / (p + 1)) / 2 for j, p in enumerate(places)]
        precisions.append(np.mean(terms))
    assert found.score == pytest.approx(np.mean(precisions))
    heaps = values(run(clustering(), seeing, tmp_path))
    expected = normalized_mutual_info_score([each == "dog" for each in CLASSES], k_means(unit[:6], 2, 0))
    assert heaps["nmi"] == pytest.approx(expected, abs=1e-6)
