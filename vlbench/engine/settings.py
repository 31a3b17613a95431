"""Settings of a run: what a user chooses besides models, tasks and methods."""

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import Unsupported
from vlbench.core.files import remembered

if TYPE_CHECKING:
    from vlbench.core.contracts import Precision, PreprocessMode

DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device nodes of NVIDIA, AMD and WSL drivers."""
CPU_BATCH = 16
"""Images per batch on a CPU: within 4 % of peak sgemm speed, and little padding for small data sets."""
DEVICE_BATCH = 256
"""Images per batch on an accelerator; halved when it runs out of memory."""
CPU_TEXT_BATCH = 32
"""Prompts per batch on a CPU, with eight tokens of their prefix tree for each."""
DEVICE_TEXT_BATCH = 128
"""Prompts per batch on an accelerator, with eight tokens of their prefix tree for each."""


FEATURE_BYTES = 8 * 2**30
"""How many bytes of image features a task may add to the store; above it, scores are stored instead."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run is executed. `batch_size` None means auto: a default by device, halved when out of memory.

    `device` is a torch device string. `workers` is the number of loader threads. `feature_bytes` limits what
    a task may add to the store: where its image features need more, each image is scored as it is encoded.
    `verify_data` reads the bytes of every image, even if tables in `cache` have the digests.
    """

    device: str = "cpu"
    precision: "Precision" = "fp32"
    preprocess: "PreprocessMode" = "exact"
    batch_size: int | None = None
    workers: int = 2
    seed: int = 0
    feature_bytes: int = FEATURE_BYTES
    verify_data: bool = False
    cache: Path | None = None

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return self.device.startswith("cpu")

    @property
    def first_batch_size(self) -> int:
        """Images per batch, before any halving."""
        if self.batch_size is not None:
            return self.batch_size
        return CPU_BATCH if self.on_cpu else DEVICE_BATCH

    @property
    def first_text_batch_size(self) -> int:
        """Prompts per batch, before any halving."""
        return CPU_TEXT_BATCH if self.on_cpu else DEVICE_TEXT_BATCH


def resolve_device(device: str, cache: Path | None) -> str:
    """A torch device string: `auto` is the first CUDA or ROCm device where there is one, else the CPU.

    torch is imported only where an accelerator may exist.

    Raises:
        Unsupported: the requested device does not exist.
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
