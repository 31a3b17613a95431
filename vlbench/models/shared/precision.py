"""Devices and precisions: what a placement allows, and the context in which a model runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vlbench.core.contracts import Placement
from vlbench.core.errors import Unsupported

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


def check_placement(placement: Placement) -> None:
    """Raise Unsupported if the machine lacks the device, or the device the precision."""
    try:
        device = torch.device(placement.device)
    except RuntimeError:
        raise Unsupported(
            f"{placement.device!r} is no device of torch; use cpu, cuda, cuda:1 or mps"
        ) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise Unsupported(
            f"device {placement.device}: torch sees {count} CUDA devices here; use --device cpu"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise Unsupported("device mps: not on this machine; use --device cpu")
    if placement.precision == "fp16" and device.type == "cpu":
        raise Unsupported("precision fp16: a CPU has no half-precision kernels; use fp32 (or bf16)")
    if placement.precision != "fp32" and not torch.amp.autocast_mode.is_autocast_available(device.type):
        raise Unsupported(f"precision {placement.precision}: {device.type} has no autocast; use fp32")


@contextmanager
def inference(placement: Placement) -> Iterator[None]:
    """Run without gradients: in full float32 (no TF32) or under the device's autocast."""
    kind = torch.device(placement.device).type
    with torch.inference_mode():
        if placement.precision != "fp32":
            with torch.autocast(kind, dtype=_AUTOCAST[placement.precision]):
                yield
        elif kind == "cuda":
            with _without_tf32():
                yield
        else:
            yield


@contextmanager
def _without_tf32() -> Iterator[None]:
    # cuDNN rounds convolutions to TF32 unless told otherwise.
    convolution, product = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolution, product
