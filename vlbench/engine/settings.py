"""Settings of a run: what a user chooses besides models, tasks and methods."""

import os
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vlbench.core.errors import Unsupported
from vlbench.core.files import remembered
from vlbench.core.share import Share
from vlbench.core.whole_number import whole_number

if TYPE_CHECKING:
    from vlbench.core.contracts import Precision, PreprocessMode

ExecutorName = Literal["local", "ray"]
BATCHES_A_CHUNK: dict[ExecutorName, int] = {"local": 16, "ray": 4}
"""Batches of images in a chunk, which ends a batch: much to read ahead here, little to lose elsewhere."""
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
    `verify_data` reads the bytes of every image, even if tables in `cache` have the digests. With a `share`,
    only its chunks of images are encoded. `devices` are those of the workers of an `executor` other than
    `local`; the driver itself uses `device`. `said` are lines for the user on what was chosen.
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
    executor: ExecutorName = "local"
    devices: tuple[str, ...] = ()
    ray_address: str | None = None
    said: tuple[str, ...] = ()

    @property
    def image_device(self) -> str:
        """A device that images are encoded on: all are of its kind."""
        return self.devices[0].replace("all", "cuda") if self.devices else self.device

    @property
    def on_cpu(self) -> bool:
        """Whether the model runs on the CPU."""
        return self.device.startswith("cpu")

    @property
    def first_batch_size(self) -> int:
        """Images per batch, before any halving."""
        if self.batch_size is not None:
            return self.batch_size
        return CPU_BATCH if self.image_device.startswith("cpu") else DEVICE_BATCH

    @property
    def chunk_size(self) -> int:
        """Images in a chunk, which follow from the settings alone: every share cuts them alike."""
        return BATCHES_A_CHUNK[self.executor] * self.first_batch_size

    @property
    def first_text_batch_size(self) -> int:
        """Prompts per batch, before any halving."""
        return CPU_TEXT_BATCH if self.on_cpu else DEVICE_TEXT_BATCH


def resolve_devices(
    device: str, cache: Path | None, executor: ExecutorName | None, address: str | None
) -> tuple[str, tuple[str, ...]]:
    """The device of this process, and those of the workers, of which there are none beside a local executor.

    `all` are those of this machine, or of the cluster at an address, which says at its start how many.

    Raises:
        Unsupported: a device is not there, several are named for a local executor, or Ray is not installed.
    """
    elsewhere = address is not None and not device.startswith("cpu")
    if elsewhere:
        named = ["all"] if device == "all" else _named(device)
        first = resolve_device("auto", cache)
    else:
        named = _all_here() if device == "all" else _named(device)
        named = [resolve_device(each, cache) for each in named]
        first = named[0]
    if executor == "local" or (executor is None and len(named) == 1 and address is None):
        if len(named) > 1 or address is not None:
            raise Unsupported(
                f"--executor local runs on one device of this machine, not on {device}; leave it out"
            )
        return first, ()
    if find_spec("ray") is None:
        raise Unsupported(
            f"workers on {device} need an extra: pip install 'vlbench[ray]'; or take --executor local"
        )
    return first, tuple(named)


def _named(device: str) -> list[str]:
    """The devices of a list, `cuda:0,1` or `cpu:4`."""
    kind, _, numbers = device.partition(":")
    if kind == "cpu" and numbers:
        count = whole_number(numbers)
        if not count:
            raise Unsupported(f"device {device!r} is no number of workers on the CPU; give cpu:2 for two")
        return ["cpu"] * count
    parts = numbers.split(",")
    if len(parts) > 1 and not all(part.isdecimal() for part in parts):
        raise Unsupported(f"device {device!r} is no list of devices; give cuda:0,1 for two")
    return [f"{kind}:{part}" for part in parts] if len(parts) > 1 else [device]


def _all_here() -> list[str]:
    """All accelerators of this machine, or the CPU."""
    if not any(Path(driver).exists() for driver in DRIVERS):
        return ["cpu"]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


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


_REASON = 100
"""Letters of what torch says against a device."""


def _checked(device: str) -> str:
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0][:_REASON]  # torch goes on about all it knows
        if reason.startswith("Expected one of "):  # and names twenty kinds of devices
            reason = "no such device"
        raise Unsupported(
            f"device {device!r} cannot be used ({reason}); pass --device cpu, cuda or auto"
        ) from error
    return device
