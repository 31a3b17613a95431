"""Published scores: a value, the digits it was printed with, and its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vlbench.core.errors import DataError


@dataclass(frozen=True, slots=True)
class ProtocolField:
    """One field of a card's protocol: a digest of its content, and how to print it."""

    digest: str
    shown: str


@dataclass(frozen=True, slots=True)
class CardProtocol:
    """The protocol of a task card by its fields (`names`, `templates`, `split` ...), in reading order.

    `texts` (how many) and `templates` are what a result records about it; None where the card leaves them to
    the data. `covered` holds the fields that the protocol digest covers; `texts` (names and ids) and
    `templates` are missing there where they are left to the data.
    """

    task: str
    protocol: str
    fields: Mapping[str, ProtocolField] = field(default_factory=dict)
    texts: int | None = None
    templates: tuple[str, ...] | None = None
    covered: Mapping[str, object] = field(default_factory=dict)

    def difference(self, other: "CardProtocol") -> str:
        """The first field in which another protocol differs, such as `split: test, not val`.

        Empty if none does.
        """
        for name in {**self.fields, **other.fields}:
            mine, theirs = self.fields.get(name), other.fields.get(name)
            if (mine and mine.digest) != (theirs and theirs.digest):
                return f"{name}: {mine.shown if mine else 'none'}, not {theirs.shown if theirs else 'none'}"
        return ""


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A score that others publish for a model: a fraction, printed with `digits` decimals.

    `task` is a task card, which is the protocol. `differs` names the part of the protocol that the source
    does differently or does not state; empty where they agree. `imported` is true for a score that the user
    read from a file.
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
        """The value with the digits it was printed with.

        >>> PublishedScore("m", "t", "acc1", *printed_value("0.6340"), source="s").printed
        '0.6340'
        """
        return f"{self.value:.{self.digits}f}"


def printed_value(text: str) -> tuple[float, int]:
    """A decimal number, and how many digits it has after the point.

    Raises:
        DataError: the text is not a plain decimal number.

    >>> printed_value("0.6340"), printed_value("1")
    ((0.634, 4), (1.0, 0))
    """
    whole, point, decimals = text.strip().partition(".")
    if not (whole.removeprefix("-").isdecimal() and (decimals.isdecimal() or not point)):
        raise DataError(f"{text!r} is not a decimal number; write one such as 0.634")
    return float(text), len(decimals)
