from dataclasses import replace

import numpy as np
from score_table import table_problem

from vlbench.core.capabilities import VECTORS
from vlbench.core.registry import SCORINGS
from vlbench.engine.scoring import predict, stored_scores


def test_the_vectors_are_kept_as_they_are_and_no_score_is_read():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)
    problem = table_problem(np.zeros((2, 0), dtype=bool))
    blocks = replace(stored_scores(np.empty((2, 0), np.float32), problem), vectors=lambda: vectors)
    found = predict(blocks, problem, SCORINGS.get("features"), None)
    assert found["vectors"].tolist() == [[3.0, 4.0], [0.0, 0.0]]


def test_a_model_has_to_have_vectors():
    assert SCORINGS.get("features").needs == {VECTORS}
    assert not SCORINGS.get("features").scores
