"""Keeps the hub's client offline, for work that must not download."""

from collections.abc import Iterator
from contextlib import contextmanager


def is_offline() -> bool:
    """Whether the user wants no network (HF_HUB_OFFLINE)."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


@contextmanager
def stay_offline() -> Iterator[None]:
    """Inside this context, sources find only what is here; what they would download counts as missing."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
