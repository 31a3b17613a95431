"""What a user's program has set for all of torch and Pillow: kept out of our numbers, and left as it was."""

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Run as a program of our own would: without autocast, in float32 and on the CPU by default, without
    TF32, and with truncated images refused.

    Numbers are stored by what was asked for, so nothing else may change them. Settings and the random
    generators of Python, numpy and torch are restored at the end. What is not imported cannot be set, and is
    not imported here. It is a decorator as well.

    >>> import torch
    >>> with torch.autocast("cpu", torch.bfloat16), undisturbed():
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    with ExitStack() as stack:
        stack.callback(random.setstate, random.getstate())
        if "numpy.random" in sys.modules:
            import numpy as np

            stack.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002
        if "torch" in sys.modules:
            _plain_torch(stack)
        if "PIL.ImageFile" in sys.modules:
            from PIL import ImageFile

            stack.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        yield


def in_steps(made: Iterator[T]) -> Iterator[T]:
    """Each of what is made, undisturbed while it is made; whoever takes it keeps the program's settings.

    >>> list(in_steps(iter("ab")))
    ['a', 'b']
    """
    while True:
        with undisturbed():
            try:
                found = next(made)
            except StopIteration:
                return
        yield found


def _plain_torch(stack: ExitStack) -> None:
    import torch

    stack.callback(torch.set_rng_state, torch.get_rng_state())
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        stack.callback(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all())
    for kind in ("cpu", "cuda", "mps"):
        if torch.amp.autocast_mode.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))
    stack.callback(torch.set_default_dtype, torch.get_default_dtype())
    torch.set_default_dtype(torch.float32)
    backends: Any = torch.backends
    operations: tuple[Any, ...] = ()
    if hasattr(backends, "fp32_precision"):  # torch 2.9 has a switch for each of them besides
        cudnn, mkldnn = backends.cudnn, backends.mkldnn
        operations = (backends.cuda.matmul, cudnn.conv, cudnn.rnn, mkldnn.matmul, mkldnn.conv)
    for each in operations:
        stack.callback(setattr, each, "fp32_precision", each.fp32_precision)
    with suppress(RuntimeError):  # these cannot be read where the switches say otherwise
        stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    with suppress(RuntimeError):
        stack.callback(setattr, backends.cudnn, "allow_tf32", backends.cudnn.allow_tf32)
    torch.set_float32_matmul_precision("highest")
    backends.cudnn.allow_tf32 = False
    for each in operations:
        each.fp32_precision = "ieee"
