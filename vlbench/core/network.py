"""Checks for a network before the hub is asked, since its client retries for half a minute."""

import socket
from urllib.parse import urlsplit


def has_network() -> bool:
    """Whether the hub's host name resolves. With a proxy, which resolves names itself, always true."""
    # imported here: it takes milliseconds, and a run of files that are here needs none of it
    from urllib.request import getproxies

    from huggingface_hub.constants import ENDPOINT

    if getproxies():
        return True
    try:
        return bool(socket.getaddrinfo(urlsplit(ENDPOINT).hostname, None))
    except socket.gaierror:
        return False
