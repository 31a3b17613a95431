"""Relevance: which query fits which candidate, as sorted pairs, with dense blocks made on demand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlbench.core.digest import digest_of_bytes
from vlbench.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Relevance:
    """Pairs (candidate, query), sorted by candidate then query, each once, of n candidates and m queries."""

    candidates: NDArray[np.int64]  # [p]
    queries: NDArray[np.int64]  # [p]
    shape: tuple[int, int]  # (n, m)

    @classmethod
    def from_pairs(
        cls, candidates: NDArray[np.int64], queries: NDArray[np.int64], shape: tuple[int, int]
    ) -> "Relevance":
        """Make a Relevance from pairs in any order; repeated pairs are dropped.

        Raises:
            DataError: a pair is outside [n, m].

        >>> Relevance.from_pairs(np.array([1, 0, 1]), np.array([0, 2, 0]), (2, 3)).queries.tolist()
        [2, 0]
        """
        n, m = shape
        if candidates.size and not (
            0 <= candidates.min() and candidates.max() < n and 0 <= queries.min() and queries.max() < m
        ):
            raise DataError(f"a right pair is outside the {n} candidates x {m} queries")
        # not np.unique: it imports numpy's masked arrays, which nothing else at the start of a run needs
        flat = np.sort(candidates.astype(np.int64) * m + queries.astype(np.int64))
        flat = flat[np.diff(flat, prepend=-1) > 0]
        return cls(candidates=flat // max(m, 1), queries=flat % max(m, 1), shape=(n, m))

    @property
    def digest(self) -> str:
        """Digest of the shape and the pairs, equal on every machine."""
        numbers = np.concatenate([np.array(self.shape, dtype=np.int64), self.candidates, self.queries])
        return digest_of_bytes(numbers.astype("<i8").tobytes())

    @property
    def row_counts(self) -> NDArray[np.int64]:
        """How many queries fit each candidate, [n]."""
        return np.bincount(self.candidates, minlength=self.shape[0]).astype(np.int64)

    @property
    def column_counts(self) -> NDArray[np.int64]:
        """How many candidates each query fits, [m]."""
        return np.bincount(self.queries, minlength=self.shape[1]).astype(np.int64)

    @property
    def first_candidates(self) -> NDArray[np.int64]:
        """The first candidate that each query fits, [m]; -1 for a query that fits none.

        >>> pairs = Relevance.from_pairs(np.array([2, 0, 2]), np.array([0, 1, 1]), (3, 3))
        >>> pairs.first_candidates.tolist()
        [2, 0, -1]
        """
        first = np.full(self.shape[1], -1, dtype=np.int64)
        queries, positions = np.unique(self.queries, return_index=True)
        first[queries] = self.candidates[positions]
        return first

    @property
    def by_query(self) -> list[NDArray[np.int64]]:
        """The candidates that fit each query, ascending, [m].

        >>> pairs = Relevance.from_pairs(np.array([2, 0, 2]), np.array([0, 1, 1]), (3, 2))
        >>> [each.tolist() for each in pairs.by_query]
        [[2], [0, 2]]
        """
        candidates = self.candidates[np.argsort(self.queries, kind="stable")]
        return np.split(candidates, np.cumsum(self.column_counts)[:-1])

    @property
    def others(self) -> "Relevance":
        """All other pairs. It takes memory for both.

        >>> Relevance.from_pairs(np.array([0, 1]), np.array([1, 0]), (2, 2)).others.queries.tolist()
        [0, 1]
        """
        n, m = self.shape
        flat = np.delete(np.arange(n * m), self.candidates * m + self.queries)
        return Relevance(candidates=flat // max(m, 1), queries=flat % max(m, 1), shape=self.shape)

    def holds(self, pairs: "Relevance") -> NDArray[np.bool_]:
        """Whether each of `pairs`, of the same candidates and queries, is among these, [p]."""
        m = max(self.shape[1], 1)
        return np.isin(pairs.candidates * m + pairs.queries, self.candidates * m + self.queries)

    def span(self, start: int, stop: int) -> slice:
        """The pairs of candidates start to stop, as a slice of `candidates` and `queries`."""
        low, high = np.searchsorted(self.candidates, [start, stop])
        return slice(int(low), int(high))

    def block(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Rows start to stop as a dense matrix [stop - start, m]."""
        dense = np.zeros((stop - start, self.shape[1]), dtype=np.bool_)
        span = self.span(start, stop)
        dense[self.candidates[span] - start, self.queries[span]] = True
        return dense

    def dense(self) -> NDArray[np.bool_]:
        """The whole dense matrix, [n, m]."""
        return self.block(0, self.shape[0])
