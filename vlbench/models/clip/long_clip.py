"""Long-CLIP's weights: its two tables of text positions are merged into CLIP's single one."""

from vlbench.core.errors import WeightsError
from vlbench.models.shared.weights import Weights, check_values, within

KEPT = 20
"""How many positions keep CLIP's vectors; later ones are interpolated and trained."""

_TABLE, _LEARNED = "positional_embedding", "positional_embedding_res"


def one_table(weights: Weights) -> Weights:
    """Merge the two tables of positions [n, w] in the weights, which the authors add under masks.

    Rows before `KEPT` are those of `positional_embedding`, the others those of `positional_embedding_res`
    (beichenzbc/Long-CLIP, model/model_longclip.py).

    Raises:
        WeightsError: a table is missing or not finite, or the two differ in shape.
    """
    import torch

    weights = within(weights, (_LEARNED,))
    state = weights.state
    missing = [key for key in (_TABLE, _LEARNED) if key not in state]
    if missing:
        raise WeightsError(f"{weights.path}: lacks {' and '.join(missing)}; it is no file of Long-CLIP's")
    check_values(weights, (_TABLE, _LEARNED))
    table, learned = state[_TABLE], state[_LEARNED]
    if table.shape != learned.shape:
        raise WeightsError(
            f"{weights.path}: {_TABLE} is {tuple(table.shape)} and {_LEARNED} {tuple(learned.shape)}; they "
            "belong together, fetch the file again"
        )
    joined = torch.cat([table[:KEPT], learned[KEPT:]])
    kept = {key: value for key, value in state.items() if key != _LEARNED} | {_TABLE: joined}
    return weights.having(kept, f"positions from {KEPT} on read from {_LEARNED}, those before from {_TABLE}")
