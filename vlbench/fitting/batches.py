"""The batches of an epoch, determined by seed and epoch."""

import numpy as np
import torch
from torch import Tensor


def batches(count: int, size: int, *, seed: int, epoch: int) -> list[Tensor]:
    """The positions in an epoch's batches, shuffled by seed and epoch.

    A smaller last batch is dropped unless it is the only one.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    found = list(torch.split(torch.from_numpy(order), size))
    return found if len(found) == 1 or len(found[-1]) == size else found[:-1]
