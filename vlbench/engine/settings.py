"""Settings of a run: all that a user chooses but models, tasks and methods."""

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import Unsupported
from vlbench.core.files import remembered
from vlbench.core.share import Share

if TYPE_CHECKING:
    from vlbench.core.contracts import Precision, PreprocessMode

DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Device nodes of NVIDIA, AMD and WSL drivers."""
CPU_BATCH = 16
"""Images a batch on a CPU: within 4 % of the sgemm peak, and little padding for small sets."""
DEVICE_BATCH = 256
"""Images a batch on an accelerator, halved when it runs out of memory."""
CPU_TEXT_BATCH = 32
"""Prompts a batch on a CPU, and eight tokens of their tree for each."""
DEVICE_TEXT_BATCH = 128
"""Prompts a batch on an accelerator, and eight tokens of their tree for each."""


FEATURE_BYTES = 8 * 2**30
"""Bytes of image features that a task may add to the store; above it scores are stored in their place."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run is done. `batch_size` None means auto: a default by device, halved on out-of-memory.

    `device` is a torch device string. `workers` are loader threads. `feature_bytes` bounds what a task
    may add to the store: where its image features need more, each image is scored as it is encoded.
    `verify_data` reads the bytes of every image, whatever tables of digests in `cache` say. Of images only
    the chunks of a `share` are encoded.
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
    share: Share | None = None

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return self.device.startswith("cpu")

    @property
    def first_batch_size(self) -> int:
        """Images a batch, before any halving."""
        if self.batch_size is not None:
            return self.batch_size
        return CPU_BATCH if self.on_cpu else DEVICE_BATCH

    @property
    def first_text_batch_size(self) -> int:
        """Prompts a batch, before any halving."""
        return CPU_TEXT_BATCH if self.on_cpu else DEVICE_TEXT_BATCH


def resolve_device(device: str, cache: Path | None) -> str:
    """A torch device string: `auto` is the first CUDA or ROCm device where there is one, else the CPU.

    torch is asked only where an accelerator may be.

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
