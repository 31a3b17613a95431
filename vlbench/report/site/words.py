"""How the pages write numbers, labels and lists."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LABELS = {
    "parameters": "Parameters (M)",
    "gflops": "GFLOPs",
    "image_size": "Image size",
    "images_per_second": "Images/s",
    "licence": "Licence",
    "family": "Family",
    "zero_shot": "Zero-shot",
}

_BEGINNING = 110
_NUMBER = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Span:
    """The ends of an axis in a table; positions on it are in percent."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Span":
        """A span around values; 0 to 1 if there are fewer than two."""
        known = sorted({value for value in values if value is not None})
        if len(known) < 2:
            return cls(0.0, 1.0)
        room = 0.03 * (known[-1] - known[0])
        return cls(known[0] - room if known[0] < 0 else max(known[0] - room, 0.0), known[-1] + room)

    def percent(self, value: float) -> str:
        """The distance of a value from the low end: 0 to 100, two decimals."""
        return f"{100 * self._share(value):.2f}"

    def rest(self, value: float) -> str:
        """The distance of a value from the high end."""
        return f"{100 * (1 - self._share(value)):.2f}"

    def _share(self, value: float) -> float:
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def fixed(value: float | None, digits: int = 3) -> str:
    """A number with this many decimals, zero without a sign; a dash for None.

    >>> fixed(0.86310), fixed(-1e-9, 2), fixed(None)
    ('0.863', '0.00', '–')
    """
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def digits_for(values: Iterable[float | None]) -> int:
    """The number of decimals for a column: three for fractions, two if a value exceeds 1.

    >>> digits_for([0.5, None, 1.0]), digits_for([0.5, 12.0])
    (3, 2)
    """
    return 2 if any(value is not None and abs(value) > 1 for value in values) else 3


def signed(value: float) -> str:
    """A difference with its sign.

    >>> signed(0.01234), signed(-0.5)
    ('+0.0123', '−0.5000')
    """
    return f"{round(value, 4) + 0.0:+.4f}".replace("-", "−")


def short(text: str) -> str:
    """Shorten a cell of a CSV: six decimals become three.

    >>> short("0.863105"), short("yes"), short("")
    ('0.863', 'yes', '')
    """
    return fixed(float(text)) if _NUMBER.fullmatch(text) else text


def plain(text: str) -> str:
    """A number's text without trailing zeros; other texts unchanged.

    >>> plain("151.280000"), plain("0"), plain("MIT")
    ('151.28', '0', 'MIT')
    """
    return text.rstrip("0").rstrip(".") if _NUMBER.fullmatch(text) else text


def beginning(text: str) -> str:
    """The first words of a long text.

    >>> beginning("short"), beginning("word " * 40)[-10:]
    ('short', 'word word…')
    """
    return text if len(text) <= _BEGINNING else f"{text[:_BEGINNING].rsplit(' ', 1)[0]}…"


def label(name: str) -> str:
    """The name of a fact's column in words."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def statement_lines(statement: Mapping[str, object]) -> list[tuple[str, str | Sequence[str]]]:
    """A protocol's statement as labels, each with a text or a list of lines, without empty entries."""
    lines: list[tuple[str, str | Sequence[str]]] = []
    for name in sorted(statement):
        value = statement[name]
        if value in (None, "", [], {}, ()):
            continue
        words = name.replace("_", " ").capitalize()
        if (name, value) == ("texts", 0):
            value = "those of the data"  # none that the protocol states
        if isinstance(value, Mapping):
            lines.append((words, [f"{key}: {value[key]}" for key in sorted(value)]))
        elif isinstance(value, list | tuple):
            lines.append((words, [str(each) for each in value]))
        else:
            lines.append((words, str(value)))
    return lines
