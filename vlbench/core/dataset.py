"""Data sets: lazy examples, a subset, and the conversion of a version 0.1 class."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import overload

from vlbench.core.contracts import Dataset, Example, Source
from vlbench.core.reading import Reading


@dataclass(frozen=True, slots=True)
class Examples(Sequence[Example]):
    """A sequence of `size` examples. `make(i)` makes the one at position i when it is asked for.

    >>> Examples(lambda i: Example(f"{i}.png", None, None), 3)[-1].id
    '2.png'
    """

    make: Callable[[int], Example]
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "Examples": ...
    def __getitem__(self, index: int | slice) -> "Example | Examples":
        found = range(self.size)[index]
        if isinstance(found, int):
            return self.make(found)
        return Examples(partial(_nth, self, found), len(found))

    def __iter__(self) -> Iterator[Example]:
        return map(self.make, range(self.size))


def subset(dataset: Dataset, indices: Sequence[int]) -> Dataset:
    """A data set of the examples at `indices`, in that order, and of the matching items whose images are all
    among them.

    >>> whole = Dataset("d", "1", [Example(name, None, None) for name in "abc"])
    >>> [example.id for example in subset(whole, [2, 0])]
    ['c', 'a']
    """
    places = {index: place for place, index in enumerate(indices)}
    items = tuple(
        replace(item, images=tuple(places[image] for image in item.images))
        for item in dataset.offers.items
        if places.keys() >= set(item.images)
    )
    examples = Examples(partial(_nth, dataset.examples, indices), len(indices))
    return replace(dataset, examples=examples, offers=replace(dataset.offers, items=items))


def as_dataset(source: Dataset | Source) -> Dataset:
    """Convert a source of version 0.1 to a data set. A data set is returned unchanged.

    Such a source has name, revision, offers, `__len__`, `__getitem__`, `target`, `fingerprint`, and perhaps
    `reading`.
    """
    if isinstance(source, Dataset):
        return source
    return Dataset(
        name=source.name,
        revision=source.revision,
        examples=Examples(partial(_of_source, source), len(source)),
        offers=source.offers,
        reading=getattr(source, "reading", Reading()),
    )


def _nth(examples: Sequence[Example], indices: Sequence[int], index: int) -> Example:
    return examples[indices[index]]


def _of_source(source: Source, index: int) -> Example:
    return replace(source[index], state=source.fingerprint(index))
