"""Methods that compose a reference image with words, as tests need them."""

import numpy as np

from vlbench.core.method import Head, Method


def composing(name, compose):
    """A method that makes a query's vector of its reference's and its words', both [m, d]."""
    return Method(name, fit=lambda lesson: Head(compose=compose), parts=frozenset({"compose"}))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


IMAGE_ONLY = composing("image-only", lambda images, words: images)
TEXT_ONLY = composing("text-only", lambda images, words: words)
SUM = composing("sum", lambda images, words: unit(images) + unit(words))
"""Of unit vectors: the louder side does not win."""
RAW_SUM = composing("raw-sum", lambda images, words: images + words)
