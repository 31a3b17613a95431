"""What dual encoders share: unit rows whose rounding depends on no other row."""

import torch

from vlbench.models.shared.dual_encoder import mean_of_groups, unit_in_blocks


def test_mean_of_groups_by_hand() -> None:
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    means = mean_of_groups(rows, [[0, 1], [2], [1, 0, 1, 0]])
    half = 0.5**0.5
    assert torch.allclose(means, torch.tensor([[half, half], [0.6, 0.8], [half, half]]), atol=1e-7)


def test_a_groups_mean_depends_on_no_other_group() -> None:
    torch.manual_seed(0)
    rows = torch.randn(300, 40)
    groups = [list(range(3 * k, 3 * k + 1 + k % 3)) for k in range(100)]
    together = mean_of_groups(rows, groups)
    assert torch.equal(together, torch.cat([mean_of_groups(rows, [group]) for group in groups]))
    assert torch.equal(together.flip(0), mean_of_groups(rows, groups[::-1]))


def test_no_rows() -> None:
    assert mean_of_groups(torch.zeros(3, 4), []).shape == (0, 4)
    assert unit_in_blocks(torch.zeros(0, 4)).shape == (0, 4)
