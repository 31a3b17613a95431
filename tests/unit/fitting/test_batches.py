"""Batches: shuffled by seed and epoch, of one size."""

import torch

from vlbench.fitting.batches import batches


def test_a_smaller_last_batch_is_left_out_unless_it_is_alone() -> None:
    assert [len(batch) for batch in batches(70, 32, seed=1, epoch=0)] == [32, 32]
    assert [len(batch) for batch in batches(20, 32, seed=1, epoch=0)] == [20]
    assert sorted(torch.cat(batches(64, 32, seed=1, epoch=3)).tolist()) == list(range(64))
    first = batches(20, 32, seed=1, epoch=0)[0]
    assert not torch.equal(first, batches(20, 32, seed=1, epoch=1)[0])
    assert not torch.equal(first, batches(20, 32, seed=2, epoch=0)[0])
