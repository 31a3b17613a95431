"""Problem: candidates, queries and which of them belong together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from vlbench.core.contracts import Dataset, Text
from vlbench.core.errors import DataError, PluginError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vlbench.core.relevance import Relevance


@dataclass(frozen=True, slots=True)
class Query:
    """A query: words, an image of the problem's references (by its index), or both.

    >>> Query(Text("the same dress in red"), image=3).image
    3
    """

    text: Text | None = None
    image: int | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each candidate or of each query, by name; empty where it has none.

    >>> Groups("candidates", ("Africa", "", "Asia")).labels[0]
    'Africa'
    """

    of: Literal["candidates", "queries"]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which pairs a question is about: `only` these pairs, or all `but` these.

    >>> import numpy as np
    >>> from vlbench.core.relevance import Relevance
    >>> pairs = Relevance.from_pairs(np.array([0, 1]), np.array([0, 2]), (2, 3))
    >>> [listed.tolist() for listed in Asked("but", pairs).by_query]
    [[1], [0, 1], [0]]
    """

    how: Literal["only", "but"]
    pairs: "Relevance"

    @classmethod
    def of(cls, how: Literal["only", "but"], pairs: "Relevance") -> "Asked | None":
        """The asked pairs, or those that are not asked, whichever are fewer; None if all pairs are asked.

        So equal questions are stated alike.
        """
        n, m = pairs.shape
        twice = 2 * len(pairs.candidates)
        if twice > n * m or (twice == n * m and how == "only"):
            how, pairs = ("but" if how == "only" else "only"), pairs.others
        return None if how == "but" and not len(pairs.candidates) else cls(how, pairs)

    @property
    def by_query(self) -> "Iterator[NDArray[np.int64]]":
        """The candidates that each query is asked about, ascending, [m]."""
        import numpy as np

        for listed in self.pairs.by_query:
            if self.how == "only":
                yield listed
            else:
                yield np.delete(np.arange(self.pairs.shape[0]), listed)


_OLD = (
    "a Problem of images and texts, as in version 0.1; write candidates=images, queries=by_words(texts) and "
    'groups={"group": Groups("candidates", labels)}, all of vlbench.core.problem'
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Candidates [n], queries [m] and which pairs of them are right.

    Candidates are images, or sometimes texts. `asked` states which pairs are asked about; None means all. The
    `image` of a query is an index into `references`. `groups` holds labels of candidates or of queries, by
    what they are grouped by.

    Raises:
        DataError: the parts contradict one another.
        PluginError: it is written as in version 0.1.

    >>> import numpy as np
    >>> from vlbench.core.contracts import Example, Target
    >>> from vlbench.core.relevance import Relevance
    >>> images = [Example(name, lambda: None, Target()) for name in ("a.png", "b.png")]
    >>> problem = Problem(
    ...     candidates=Dataset("pets", "1", images),
    ...     queries=by_words((Text("a cat"), Text("a dog"))),
    ...     relevant=Relevance.from_pairs(np.array([0, 1]), np.array([1, 0]), (2, 2)),
    ... )
    >>> problem.ids, problem.names
    (('a.png', 'b.png'), ('a cat', 'a dog'))
    """

    candidates: Dataset | tuple[Text, ...]
    queries: tuple[Query, ...]
    relevant: "Relevance"
    asked: Asked | None = None
    references: Dataset | None = None
    groups: Mapping[str, Groups] = field(default_factory=dict)

    def __new__(cls, *_: object, **parts: object) -> Self:
        """Refuse the arguments of version 0.1 with an explanation, which `__init__` would not give."""
        if parts.keys() & {"images", "texts"}:
            raise PluginError(_OLD)
        return object.__new__(cls)

    def __post_init__(self) -> None:
        if not all(isinstance(query, Query) for query in self.queries):
            raise PluginError(_OLD)
        shape = (len(self.candidates), len(self.queries))
        stated = [("right pairs are", self.relevant)]
        if self.asked is not None:
            stated.append(("asked pairs are", self.asked.pairs))
        for what, pairs in stated:
            if pairs.shape != shape:
                of = "{} candidates and {} queries"
                raise DataError(f"{what} of {of.format(*pairs.shape)}; there are {of.format(*shape)}")
        if self.asked is not None:
            inside = self.asked.pairs.holds(self.relevant)
            unasked = (~inside if self.asked.how == "only" else inside).nonzero()[0]
            if unasked.size:
                first = unasked[0]
                raise DataError(
                    f"{unasked.size} right pairs are not asked about; the first is candidate "
                    f"{self.relevant.candidates[first]} of query {self.relevant.queries[first]}"
                )
        references = 0 if self.references is None else len(self.references)
        for place, query in enumerate(self.queries):
            if query.image is not None and not 0 <= query.image < references:
                raise DataError(f"query {place} asks by image {query.image} of {references} references")
            if query.text is None and query.image is None:
                raise DataError(f"query {place} has neither words nor an image")
        for name, groups in self.groups.items():
            count = shape[0] if groups.of == "candidates" else shape[1]
            if len(groups.labels) != count:
                raise DataError(f"groups {name!r} name {len(groups.labels)} of {count} {groups.of}")

    @property
    def images(self) -> Dataset:
        """The candidates; an empty data set where they are texts."""
        return self.candidates if isinstance(self.candidates, Dataset) else NO_IMAGES

    @property
    def texts(self) -> tuple[Text, ...]:
        """The words of the queries, in their order, without queries that are images alone."""
        return tuple(query.text for query in self.queries if query.text is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each query, [m]: the name of its words, the id of its image, or both."""
        names = []
        for query in self.queries:
            parts = [] if query.text is None else [query.text.name]
            if query.image is not None and self.references is not None:
                parts.insert(0, self.references[query.image].id)
            names.append(": ".join(parts))
        return tuple(names)

    @property
    def ids(self) -> tuple[str, ...]:
        """The name of each candidate, [n]: the id of an image, the name of a text."""
        if isinstance(self.candidates, Dataset):
            return tuple(example.id for example in self.candidates.examples)
        return tuple(text.name for text in self.candidates)

    @property
    def by_words(self) -> bool:
        """Whether every query is words alone, and every candidate is an image."""
        words = all(query.image is None for query in self.queries)
        return words and isinstance(self.candidates, Dataset)

    def asked_counts(self, of: Literal["candidates", "queries"]) -> "NDArray[np.int64] | int":
        """How many queries each candidate is asked about, [n], or how many candidates each query is, [m].

        A single number where every pair is asked about.
        """
        whole = len(self.queries if of == "candidates" else self.candidates)
        if self.asked is None:
            return whole
        pairs = self.asked.pairs
        stated = pairs.row_counts if of == "candidates" else pairs.column_counts
        return stated if self.asked.how == "only" else whole - stated


def by_words(texts: tuple[Text, ...]) -> tuple[Query, ...]:
    """One query for each text.

    >>> by_words((Text("a dog"),))[0].text.name
    'a dog'
    """
    return tuple(map(Query, texts))


NO_IMAGES = Dataset("", "", ())
