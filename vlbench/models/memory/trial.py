"""A trial of a user's functions before they are relied on: an answer has to depend on what is given alone."""

import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from vlbench.core.errors import Unsupported

NOISE = tuple(
    Image.fromarray(each)
    for each in np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
)
"""Three images, no two of which are alike anywhere."""
_TIMES = 4
"""How often an image is preprocessed."""
_ROUNDING = 0.1
"""By so much of its length a row of features may differ between two batches: arithmetic of 8 bits does."""
_SENTENCES = ("a photo", "two red squares", "nothing")


def tried_pixels(preprocess: Callable[[Image.Image], Any], name: str) -> list[Tensor]:
    """The pixels [3, h, w] of three images of noise.

    Raises:
        Unsupported: `preprocess` answers no such tensor, draws random numbers, or answers one image in
            several ways.
    """
    before = _generators()
    found = [preprocess(image) for image in NOISE]
    if not all(isinstance(each, Tensor) and each.dim() == 3 for each in found):
        raise Unsupported(f"{name}: preprocess has to answer a tensor [3, h, w] for an image")
    again = [preprocess(NOISE[0]) for _ in range(_TIMES)]
    if _generators() != before or not all(torch.equal(found[0], each) for each in again):
        raise Unsupported(
            f"{name}: preprocess answers an image otherwise each time, or draws random numbers; pass the "
            "transform of evaluation, not of training"
        )
    if found[0].data_ptr() in {each.data_ptr() for each in (*found[1:], *again)}:
        raise Unsupported(f"{name}: preprocess answers one tensor for all images; let it answer a new one")
    return found


def try_rows(encode: Callable[[Sequence[Any]], Tensor], given: Sequence[Any], what: str) -> int:
    """Encode three things two at a time. Returns how many features [d] each has.

    Raises:
        Unsupported: there is not a row for each, or one depends on what is beside it, or on the call.
    """
    a, b, c = given
    with _no_training(what):
        found = [encode(pair).float() for pair in ((a, b), (b, c), (c, a))]
    for one, other in zip(found, (*found[1:], found[0]), strict=True):
        if len(one) != 2:
            raise Unsupported(
                f"{what} answers {len(one)} rows for 2; it has to answer one for each, in order"
            )
        if (one[1] - other[0]).norm() > _ROUNDING * one[1].norm():
            raise Unsupported(
                f"{what} answers another row for the same in another batch or call, as dropout and "
                "statistics of a batch do; leave them out, so that a row depends on its own input alone"
            )
    return found[0].shape[-1]


def try_sentences(encode: Callable[[Sequence[str]], Tensor], what: str) -> int:
    """As `try_rows`, of three sentences."""
    return try_rows(encode, _SENTENCES, what)


@contextmanager
def _no_training(what: str) -> Iterator[None]:
    """Raise Unsupported where a module in training mode is called: it was not found in the model."""

    def look(module: nn.Module, _: object) -> None:
        if module.training:
            raise Unsupported(
                f"{what} calls a {type(module).__name__} in training mode, which is not found among the "
                "parts of the model; call its eval() first"
            )

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


def _generators() -> bytes:
    """The state of the generators of random numbers."""
    drawn = random.getstate(), np.random.get_state(), torch.get_rng_state().numpy()  # noqa: NPY002
    return pickle.dumps(drawn)
