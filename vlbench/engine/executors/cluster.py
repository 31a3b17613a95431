"""The Ray that workers are of: one of this machine alone, or a cluster's. Nothing else imports it."""

import os
import socket
from typing import Any

from vlbench.core.errors import Unsupported
from vlbench.core.signals import interrupted_by_stops
from vlbench.core.whole_number import whole_number
from vlbench.engine.executors.hand import line_of

CONNECT_SECONDS = 10.0
"""How long a cluster's head may take to answer."""
LOCAL = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # which is what it calls binding to more than 127.0.0.1
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a worker is told its device, and may see all
    "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1",
    "RAY_max_direct_call_object_size": "1048576",  # smaller answers come by themselves, past the object store
}
"""What a Ray of one machine is told before it is imported."""


def ray_at(address: str | None, workers: int) -> tuple[Any, bool]:
    """Ray, started on this machine for so many workers or connected to an address; whether to shut it down.

    One that this process has is taken as it is.

    Raises:
        Unsupported: there is none at the address.
    """
    if address is None:
        os.environ.update(LOCAL)
    import ray

    if ray.is_initialized():
        return ray, False
    ray._private.worker._worker_logs_enabled = False  # or raylets speak among this process's answers
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    with interrupted_by_stops():  # it installs handlers of its own, which go with this one
        if address is None:
            ray.init("local", num_cpus=workers, num_gpus=0, include_dashboard=False, **quiet)
            return ray, True
        refuse_deaf(address)
        try:
            ray.init(address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _none_at(address, error) from error
    return ray, True


def refuse_deaf(address: str) -> None:
    """Refuse a host and port where nothing listens, which Ray would ask again for minutes.

    Raises:
        Unsupported: nothing does.
    """
    host, _, port = address.rpartition(":")
    number = whole_number(port)
    if not host or number is None or "/" in host:
        return
    try:
        socket.create_connection((host, number), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:  # the second for a port that none can be
        raise _none_at(address, error) from error


def _none_at(address: str, error: Exception) -> Unsupported:
    advice = "start one by `ray start --head`, and set RAY_AUTH_MODE=token where it asks for a token"
    return Unsupported(f"no Ray cluster at {address} ({line_of(error)}); {advice}")


def fetched(where: list[Any]) -> object:
    """What is behind a reference that a pool put there, in a worker."""
    import ray

    return ray.get(where[0])
