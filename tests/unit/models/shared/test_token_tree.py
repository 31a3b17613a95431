"""Trees of tokens: every distinct prefix is one node, and every row finds its own way down."""

import torch

from vlbench.models.shared.token_tree import ROWS_OF_A_BATCH, plant

ROWS = torch.tensor([[9, 4, 5, 0], [9, 4, 0, 0], [9, 4, 5, 6], [9, 7, 5, 0]])
LENGTHS = torch.tensor([3, 2, 4, 3])


def test_each_distinct_prefix_is_one_node() -> None:
    (tree,) = plant(ROWS, LENGTHS, batch_size=4)
    assert [len(level) for level in tree.levels] == [1, 2, 2, 1]  # 9 | 4 7 | 4 5, 7 5 | 4 5 6
    assert tree.tokens.tolist() == [9, 4, 7, 5, 5, 6]
    assert tree.depths.tolist() == [0, 1, 1, 2, 2, 3]
    assert [level.tolist() for level in tree.end_levels] == [[[0, 1]], [[0, 1, 3], [0, 2, 4]], [[0, 1, 3, 5]]]


def test_a_row_reads_its_tokens_on_the_way_to_its_end() -> None:
    (tree,) = plant(ROWS, LENGTHS, batch_size=4)
    paths = [path for level in tree.end_levels for path in level]
    read = {
        int(row): tree.tokens[paths[int(end)]].tolist() for row, end in zip(tree.rows, tree.ends, strict=True)
    }
    assert read == {0: [9, 4, 5], 1: [9, 4], 2: [9, 4, 5, 6], 3: [9, 7, 5]}


def test_tokens_behind_the_end_make_no_node() -> None:
    (tree,) = plant(torch.tensor([[1, 2, 3], [1, 2, 4]]), torch.tensor([2, 2]), batch_size=1)
    assert tree.tokens.tolist() == [1, 2]
    assert tree.ends.tolist() == [0, 0]
    assert [level.tolist() for level in tree.end_levels] == [[[0, 1]]]


def test_many_rows_are_split_and_none_is_lost() -> None:
    rows = torch.stack([torch.zeros(70, dtype=torch.long), torch.arange(70)], dim=1)
    trees = list(plant(rows, torch.full((70,), 2), batch_size=1))
    assert [len(tree.rows) for tree in trees] == [ROWS_OF_A_BATCH, ROWS_OF_A_BATCH, 70 - 2 * ROWS_OF_A_BATCH]
    assert sorted(torch.cat([tree.rows for tree in trees]).tolist()) == list(range(70))
