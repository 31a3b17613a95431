"""Gradients by the same kernels each time, so that a seed gives the same bytes on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def fixed_kernels(device: str, *, tf32: bool = False) -> Iterator[None]:
    """Convolve and take gradients by the same kernels each time.

    A CPU adds what several threads find in one order. On a GPU, products are in full float32 without `tf32`,
    and sums of gradients are in any order.
    """
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    fixed = before or torch.device(device).type == "cpu"
    torch.use_deterministic_algorithms(fixed, warn_only=warned or not before)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32):
            yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
