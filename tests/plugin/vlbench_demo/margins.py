"""A scoring: how far each image's right text is ahead of the best wrong one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.problem import Problem
from vlbench.core.scoring import ScorePass, Scoring


def keep_margins(blocks: ScorePass, problem: Problem) -> Mapping[str, NDArray[Any]]:
    """`margins` [n]: the best right score of each image less its best wrong one, of the pairs that are asked.

    It is no finite number where an image has nothing right or nothing wrong.
    """
    import torch

    relevant = blocks.arranged(problem.relevant)
    margins = np.empty(len(problem.candidates), dtype=np.float32)
    for start, stop, block in blocks:
        right = torch.from_numpy(relevant.block(start, stop)).to(block.device)
        best_right, best_wrong = (
            block.float().masked_fill(hidden, -torch.inf).amax(dim=1) for hidden in (~right, right)
        )
        margins[start:stop] = (best_right - best_wrong).cpu().numpy()
    return {"margins": blocks.restored(margins)}


demo_margins = Scoring("demo_margins", keep_margins, keeps=frozenset({"margins"}))
