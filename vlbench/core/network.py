"""Checks for a network before the hub is asked, since its client retries for half a minute."""

import math
import socket
import time
from urllib.parse import urlsplit

_PATIENCE = 5
"""Seconds that a connection may take."""
_KNOWN = 30
"""Seconds for which a hub that could not be reached is not tried again: a request may ask for many tasks."""
_failed: dict[tuple[str, int], float] = {}
"""When the hub at an address and port could last not be reached."""


def has_network() -> bool:
    """Whether the hub can be connected to. With a proxy, which connects itself, always true."""
    # imported here: it takes milliseconds, and a run of files that are here needs none of it
    from urllib.request import getproxies

    from huggingface_hub.constants import ENDPOINT

    if getproxies():
        return True
    parts = urlsplit(ENDPOINT)
    try:
        place = parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443)
    except ValueError:  # the hub's client tells what is wrong with the address
        return True
    if time.monotonic() < _failed.get(place, -math.inf) + _KNOWN:
        return False
    try:
        socket.create_connection(place, timeout=_PATIENCE).close()
    except OSError:
        _failed[place] = time.monotonic()
        return False
    return True
