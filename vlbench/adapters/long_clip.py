"""Long-CLIP: OpenAI's CLIP tuned to texts of 248 tokens, by stretching its table of positions."""

from functools import partial
from typing import TYPE_CHECKING

from vlbench.adapters.architectures import architecture_config, check_architecture, section
from vlbench.adapters.clip import ClipCheckpoint
from vlbench.adapters.recipe import Recipe, from_files, from_folder
from vlbench.core.contracts import Origin
from vlbench.core.errors import CardError, WeightsError

if TYPE_CHECKING:
    from vlbench.adapters.checkpoint_layout import Weights

CONTEXT = 248
"""Tokens of a text (Zhang et al. 2024, section 3.1: 20 + 4 * 57)."""

KEPT = 20
"""Positions that keep CLIP's own vectors; those behind them are interpolated and learned anew."""

_TABLE, _LEARNED = "positional_embedding", "positional_embedding_res"
_SOURCES = ("long_clip.py",)


def long_clip(
    origin: Origin,
    /,
    *,
    arch: str | None = None,
    repository: str | None = None,
    file: str | None = None,
    sha256: str | None = None,
    directory: str | None = None,
) -> ClipCheckpoint:
    """A card's model: an open_clip architecture with a file of a hub repository, or a folder beside the card.

    Longer texts are cut at 248 tokens. `sha256` is the published file's.

    Raises:
        CardError: the settings name neither a hub file nor a folder, or both.
        UnknownName: open_clip has no such architecture.
    """
    if directory is not None and arch is None and repository is None and file is None:
        if origin.folder is None:
            raise CardError(f"{origin.name}: directory is relative to a card's folder, and there is no card")
        find = partial(from_folder, folder=origin.folder / directory)
    elif directory is None and arch is not None and repository is not None and file is not None:
        check_architecture(arch)
        find = partial(_on_hub, arch=arch, repository=repository, file=file, sha256=sha256)
    else:
        raise CardError(
            f"{origin.name}: settings want either arch, repository and file, or directory; correct the card"
        )
    return ClipCheckpoint(origin, "long_clip", find, convert=one_table, text_sources=_SOURCES)


def one_table(weights: "Weights") -> "Weights":
    """Weights whose two tables of positions [n, w] are one, as the authors add them under masks.

    Rows before `KEPT` are those of `positional_embedding`, the others those of `positional_embedding_res`
    (beichenzbc/Long-CLIP, model/model_longclip.py).

    Raises:
        WeightsError: a table is missing or no weights, or they differ in shape.
    """
    import torch

    from vlbench.adapters.checkpoint_layout import within
    from vlbench.adapters.weight_values import check_values

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


def _on_hub(origin: Origin, *, arch: str, repository: str, file: str, sha256: str | None) -> Recipe:
    config = architecture_config(arch)
    text = {**section(config, "text_cfg"), "context_length": CONTEXT}
    config = {**config, "text_cfg": text}
    return from_files(origin, config=config, facts={}, repository=repository, file=file, sha256=sha256)
