"""The words around a context in Dassl's files, held against the base and the classes that are named."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from vlbench.core.contracts import Text
from vlbench.core.errors import WeightsError
from vlbench.models.coop.dassl import DasslContext
from vlbench.models.coop.prompts import spoken_name
from vlbench.models.shared.causal_text import token_table
from vlbench.models.shared.sentence_tokens import tokenised
from vlbench.models.shared.text_tower import TextTower
from vlbench.models.shared.weights import listed

_TOLERANCE = 0.01
"""Of the largest value: float16 rounds by a twentieth of that, another model's words differ by all of it."""


def check_words(
    found: DasslContext, tower: TextTower, classes: Sequence[Text], *, path: Path, base: str
) -> tuple[str, ...]:
    """Hold the words beside a context against its base's, and those of its prompts against class names.

    The answer is what is to be said of names that were not those of the training.

    Raises:
        WeightsError: it was learned on another base, in another order of classes, or with several contexts
            a class.
    """
    table = token_table(tower.model)
    if found.prefix is not None:
        begin = table[tower.tokenizer([""])[0, 0]]
        if not _alike(found.prefix, begin.expand_as(found.prefix)):
            raise WeightsError(
                f"{path}: token_prefix is not how prompts of {base} begin; it was learned on another model, "
                "name that as --base"
            )
    specific = found.vectors.ndim == 3
    prompts = next((len(each) for each in (found.prefix, found.suffix) if each is not None), None)
    if specific and prompts not in (None, len(found.vectors)):
        raise WeightsError(
            f"{path}: ctx holds {len(found.vectors)} contexts and there are {prompts} prompts; "
            "several contexts a "
            "class (as PLOT has them) are not read"
        )
    if found.suffix is None or not classes:
        return ()
    if len(found.suffix) != len(classes):
        return (f"learned on {len(found.suffix)} classes, {len(classes)} are named",)
    return _other_names(found, found.suffix, tower, classes, path)


def _other_names(
    found: DasslContext, suffix: Tensor, tower: TextTower, classes: Sequence[Text], path: Path
) -> tuple[str, ...]:
    """What differs between the names and the words of the prompts they were learned in."""
    count = found.vectors.shape[-2]
    prompts = [f"{'X ' * count}{spoken_name(each.name)}." for each in classes]
    tokens = tokenised(tower.tokenizer, prompts)[:, 1 + count :]
    length = min(tokens.shape[1], suffix.shape[1])
    table = token_table(tower.model)
    words = [table[row[:length]] for row in tokens]  # c times [t, d]
    wrong = [place for place, row in enumerate(words) if not _alike(suffix[place, :length], row)]
    moved = [
        f"{classes[place].name!r} stands where {classes[other].name!r} was learned"
        for place in wrong
        for other, row in enumerate(words)
        if _alike(suffix[place, :length], row)
    ]
    if moved and found.vectors.ndim == 3:
        raise WeightsError(
            f"{path}: {listed('classes in another order', moved)}; name them as they were trained"
        )
    names = [classes[place].name for place in wrong]
    return (listed("other words in training for", names),) if names else ()


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal but for half precision."""
    return bool(torch.allclose(one, other, rtol=0, atol=_TOLERANCE * float(other.abs().max())))
