"""Zero-shot: the model's own scores, nothing learned."""

from vlbench.core.method import ZERO_SHOT, Method


def zero_shot() -> Method:
    """The model's own scores; nothing is learned.

    >>> zero_shot().mark()
    ''
    """
    return ZERO_SHOT
