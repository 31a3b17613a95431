"""A share of a job array: which chunks of a data set's images one of several runs encodes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vlbench.core.errors import VlbenchError


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """The `number`-th of `count` shares, from 1: chunks are dealt out one by one, which nobody coordinates.

    >>> [chunk for chunk in range(7) if Share.of("2/3").has(chunk)]
    [1, 4]
    """

    number: int
    count: int

    @classmethod
    def of(cls, text: str) -> "Share":
        """Read NUMBER/COUNT.

        Raises:
            VlbenchError: it is no share.
        """
        parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if parts is None or not 1 <= int(parts[1]) <= int(parts[2]):
            raise VlbenchError(f"--share {text!r} is no share; give NUMBER/COUNT, 1/16 to 16/16 say")
        return cls(int(parts[1]), int(parts[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, chunk: int) -> bool:
        """Whether the chunk of a number, from 0, is of this share."""
        return chunk % self.count == self.number - 1

    def places(self, images: int, size: int) -> Iterator[int]:
        """The places of its images in a data set, whose chunks hold `size` of them each."""
        for chunk in range(self.number - 1, -(-images // size), self.count):
            yield from range(chunk * size, min((chunk + 1) * size, images))
