"""Where a process of a run is: host, device and versions, by which workers are held to agree."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from vlbench.core.errors import Unsupported
from vlbench.engine.measure import software_versions


@dataclass(frozen=True, slots=True)
class About:
    """Where a worker is: its host, its process, its device's name, and the versions that it runs.

    Workers of one `kind` compute to the bit alike: a card's name, or which kernels a CPU runs.
    """

    host: str
    process: int
    device: str
    kind: str
    versions: Mapping[str, str] = field(default_factory=dict)


def about(device: str) -> About:
    """What this process is on a device."""
    import torch  # here, where a driver and its workers have it

    on_cpu = device.startswith("cpu")
    name = "cpu" if on_cpu else torch.cuda.get_device_name(device)
    kind = f"cpu with {torch.backends.cpu.get_cpu_capability()}" if on_cpu else name
    return About(os.uname().nodename, os.getpid(), name, kind, software_versions())


def refuse_other_versions(worker: About, driver: About) -> None:
    """Refuse a worker whose packages are others than the driver's.

    Raises:
        Unsupported: its numbers could differ, and nothing would tell.
    """
    for package, version in worker.versions.items():
        mine = driver.versions.get(package)
        if mine != version:
            raise Unsupported(
                f"the worker on {worker.host} has {package} {version} and this process {mine}; install the "
                "same on every node"
            )
