"""A part of a source, itself a source."""

from collections.abc import Sequence
from dataclasses import dataclass

from vlbench.core.contracts import Example, Offers, Source, Target
from vlbench.core.reading import Reading, reading_of


@dataclass(frozen=True, slots=True)
class Subset:
    """The examples of a source at some indices, in their order."""

    source: Source
    indices: Sequence[int]

    @property
    def name(self) -> str:
        """The whole source's name."""
        return self.source.name

    @property
    def revision(self) -> str:
        """The whole source's revision."""
        return self.source.revision

    @property
    def offers(self) -> Offers:
        """The whole source's names and templates."""
        return self.source.offers

    @property
    def reading(self) -> Reading:
        """How the whole source read its data."""
        return reading_of(self.source)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        return self.source[self.indices[index]]

    def target(self, index: int) -> Target:
        """What the data say of the image at a position of the part."""
        return self.source.target(self.indices[index])

    def fingerprint(self, index: int) -> str:
        """The fingerprint of the image at a position of the part."""
        return self.source.fingerprint(self.indices[index])
