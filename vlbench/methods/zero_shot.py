"""Zero-shot: the model's own scores, nothing learned."""

from vlbench.core.method import ZERO_SHOT, Method


def zero_shot() -> Method:
    """The model as it is."""
    return ZERO_SHOT
