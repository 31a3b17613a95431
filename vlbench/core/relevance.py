"""Which text is true of which image: sorted pairs, with dense blocks made on demand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.digest import digest_of_bytes
from vlbench.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Relevance:
    """Pairs (image, text) sorted by image then text, each once, of n images and m texts."""

    images: NDArray[np.int64]  # [p]
    texts: NDArray[np.int64]  # [p]
    shape: tuple[int, int]  # (n, m)

    @classmethod
    def from_pairs(
        cls, images: NDArray[np.int64], texts: NDArray[np.int64], shape: tuple[int, int]
    ) -> "Relevance":
        """Sort pairs and drop repetitions.

        Raises:
            DataError: a pair lies outside [n, m].

        >>> Relevance.from_pairs(np.array([1, 0, 1]), np.array([0, 2, 0]), (2, 3)).texts.tolist()
        [2, 0]
        """
        n, m = shape
        if images.size and not (
            0 <= images.min() and images.max() < n and 0 <= texts.min() and texts.max() < m
        ):
            raise DataError(f"a relevant pair lies outside the {n} images x {m} texts")
        # not np.unique: it imports numpy's masked arrays, which nothing else at the start of a run needs
        flat = np.sort(images.astype(np.int64) * m + texts.astype(np.int64))
        flat = flat[np.diff(flat, prepend=-1) > 0]
        return cls(images=flat // max(m, 1), texts=flat % max(m, 1), shape=(n, m))

    @property
    def digest(self) -> str:
        """Digest of the shape and the pairs, equal on every machine."""
        numbers = np.concatenate([np.array(self.shape, dtype=np.int64), self.images, self.texts])
        return digest_of_bytes(numbers.astype("<i8").tobytes())

    @property
    def row_counts(self) -> NDArray[np.int64]:
        """How many texts are true of each image, [n]."""
        return np.bincount(self.images, minlength=self.shape[0]).astype(np.int64)

    @property
    def column_counts(self) -> NDArray[np.int64]:
        """How many images each text is true of, [m]."""
        return np.bincount(self.texts, minlength=self.shape[1]).astype(np.int64)

    @property
    def first_images(self) -> NDArray[np.int64]:
        """The first image each text is true of, [m]; -1 for a text that is true of none.

        >>> pairs = Relevance.from_pairs(np.array([2, 0, 2]), np.array([0, 1, 1]), (3, 3))
        >>> pairs.first_images.tolist()
        [2, 0, -1]
        """
        first = np.full(self.shape[1], -1, dtype=np.int64)
        texts, positions = np.unique(self.texts, return_index=True)
        first[texts] = self.images[positions]
        return first

    def span(self, start: int, stop: int) -> slice:
        """The pairs of images start to stop, as a slice of `images` and `texts`."""
        low, high = np.searchsorted(self.images, [start, stop])
        return slice(int(low), int(high))

    def block(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Rows start to stop as a dense matrix [stop - start, m]."""
        dense = np.zeros((stop - start, self.shape[1]), dtype=np.bool_)
        span = self.span(start, stop)
        dense[self.images[span] - start, self.texts[span]] = True
        return dense

    def dense(self) -> NDArray[np.bool_]:
        """All of it, [n, m]."""
        return self.block(0, self.shape[0])

    def head(self, n: int) -> "Relevance":
        """The first n images' pairs, over the same texts."""
        span = self.span(0, n)
        return Relevance(self.images[span], self.texts[span], (n, self.shape[1]))
