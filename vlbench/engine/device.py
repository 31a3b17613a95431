"""Which device `auto` means; asks torch only where an accelerator may be."""

import os
from importlib.metadata import version
from pathlib import Path

from vlbench.core.errors import Unsupported
from vlbench.core.files import remembered

DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device nodes of NVIDIA, AMD and WSL drivers."""


def resolve_device(device: str, cache: Path | None) -> str:
    """A torch device string: `auto` is the first CUDA or ROCm device where there is one, else the CPU.

    Raises:
        Unsupported: the device asked for is not there.
    """
    if device != "auto":
        return device if device == "cpu" else _checked(device)
    if not any(Path(driver).exists() for driver in DRIVERS):
        return "cpu"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    return remembered(f"device|{version('torch')}|{visible}|{os.uname().nodename}", cache, _first_device)


def _first_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _checked(device: str) -> str:
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise Unsupported(
            f"device {device!r} cannot be used ({reason}); pass --device cpu or auto"
        ) from error
    return device
