import numpy as np

from vlbench.pairs.hits import hits_of, joined, pairs_by_class
from vlbench.pairs.nearest import Nearest


def found(places, cosines):
    return Nearest(np.array(places), np.array(cosines, dtype=np.float32))


def test_both_sides_are_joined_by_prompt_and_the_best_ranks_are_kept():
    images = hits_of(found([[4, 1], [4, 0]], [[0.3, 0.2], [0.4, 0.1]]), "image", None, None)
    by_text = found([[0, 1], [2, 3]], [[0.9, 0.8], [0.7, 0.6]])
    captions = hits_of(by_text, "text", np.array([9, 9, 4, 7]), None)
    hits = joined([images, captions])
    assert hits.prompt.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert hits.pair.tolist() == [4, 1, 9, 4, 0, 4, 7]
    one, other = pairs_by_class(hits, ("a", "b"), np.array([0, 1]), most=2)
    assert (one.pairs.tolist(), other.pairs.tolist()) == ([4, 9], [4, 7])
    assert other.hits.pair.tolist() == [4, 4, 7]


def test_a_class_whose_hits_are_all_below_the_floor_has_no_pair():
    hits = hits_of(found([[0, 1], [2, 3]], [[0.9, 0.1], [0.2, 0.1]]), "image", None, 0.5)
    assert [each.pairs.tolist() for each in pairs_by_class(hits, ("a", "b"), np.array([0, 1]))] == [[0], []]
