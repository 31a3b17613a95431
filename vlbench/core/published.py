"""A published score: a figure, the digits it was printed with, and its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vlbench.core.errors import DataError


@dataclass(frozen=True, slots=True)
class ProtocolField:
    """One field of a card's protocol: a digest of its content, and how to show it."""

    digest: str
    shown: str


@dataclass(frozen=True, slots=True)
class CardProtocol:
    """The protocol of a task card by its fields (`names`, `templates`, `split` ...), in reading order.

    `texts` and `templates` are what a result on it records: how many texts, and the templates; None where
    the card leaves them to its data. `covered` is what its digest covers; `texts` (names and ids) and
    `templates` are missing there where they are left to the data.
    """

    task: str
    protocol: str
    fields: Mapping[str, ProtocolField] = field(default_factory=dict)
    texts: int | None = None
    templates: tuple[str, ...] | None = None
    covered: Mapping[str, object] = field(default_factory=dict)

    def difference(self, other: "CardProtocol") -> str:
        """The first field in which another protocol differs: `split: test, not val`; empty if none does."""
        for name in {**self.fields, **other.fields}:
            mine, theirs = self.fields.get(name), other.fields.get(name)
            if (mine and mine.digest) != (theirs and theirs.digest):
                return f"{name}: {mine.shown if mine else 'none'}, not {theirs.shown if theirs else 'none'}"
        return ""


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A score that others publish for a model, as a fraction with `digits` printed decimals.

    `task` names the protocol: a task card. `differs` says which part of it the source does otherwise, or does
    not say; empty where the card's protocol is the source's. `imported` is a score that the user read from a
    file, of which nobody else has seen that it says so.
    """

    model: str
    task: str
    metric: str
    value: float
    digits: int
    source: str
    differs: str = ""
    notes: str = ""
    imported: bool = False

    @property
    def printed(self) -> str:
        """The value with its printed digits.

        >>> PublishedScore("m", "t", "acc1", *printed_value("0.6340"), source="s").printed
        '0.6340'
        """
        return f"{self.value:.{self.digits}f}"


def printed_value(text: str) -> tuple[float, int]:
    """A decimal number and how many digits stand behind its point.

    Raises:
        DataError: the text is no plain decimal number.

    >>> printed_value("0.6340"), printed_value("1")
    ((0.634, 4), (1.0, 0))
    """
    whole, point, decimals = text.strip().partition(".")
    if not (whole.removeprefix("-").isdecimal() and (decimals.isdecimal() or not point)):
        raise DataError(f"{text!r} is no decimal number; write one such as 0.634")
    return float(text), len(decimals)
