"""Reading: how a data set was read.

Also detects lines that data should not hold: lines pasted from code, from a table or from a numbered list,
whose marks a model would read as words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vlbench.core.visible import visible

LONGEST = 60
"""How many characters of a text are shown on a line."""
CAPTIONS = "captions"
"""What texts are called that come with the images. They are sentences, in which nothing looks odd."""
_QUOTED = re.compile(r"""[rbfuRBFU]{0,2}(["'`]).*\1\s*,?|[\u201c\u2018].*[\u201d\u2019]\s*,?""")
_CODE = re.compile(r"""lambda\b.*|[\[({]\s*["'].*|\w+\s*=\s*[\[({].*""")
_END = re.compile(r".*[.!?)\"'][,;]|.*;|.*\\[nrt]")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_COMMENT = re.compile(r"#\s.*|.*\s#\s.*")
_NUMBERED = re.compile(r"(\d+)(?:\s*[:.),\t]\s*|\s+)\S.*")
_WITH_ID = re.compile(r"[a-z]\d{8}[\s:,]+\S.*")
_HEADERS = frozenset(
    ("class", "class_name", "classes", "classname", "classnames", "label", "labels", "name", "names")
)
_ITEM = re.compile(r"[-*]\s+\S.*")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things of one kind in the data folder that were not read, such as files; `first` names one of them."""

    count: int
    why: str
    first: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.why} (the first: {short(self.first)})"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a data set was read.

    `layout` is the layout that was recognised, `labels` the file, column or folder of the labels, `remarks`
    what else a user should know. `lacks` tells which listed images are missing; the result is then partial.
    """

    layout: str = ""
    labels: str = ""
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    lacks: str = ""

    @property
    def told(self) -> str:
        """How the data were read, to be added to an error message; empty if nothing is known.

        >>> Reading(labels="folders").told
        ' (labels: folders)'
        """
        said = [f"labels: {self.labels}"] if self.labels else []
        said.extend(f"left out: {each}" for each in self.left_out)
        return f" ({'; '.join(said)})" if said else ""


@dataclass(slots=True)
class Tally:
    """Counts what is left out while data are read, by reason.

    Names are relative to `root`, so that results of two machines are equal.
    """

    root: str = ""
    found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def leave_out(self, why: str, first: str, count: int = 1) -> None:
        """Count things that are left out for a reason; `first` is kept as their example.

        The disk may call it by what is no text, and a result holds texts alone: that is escaped.
        """
        inside = visible(first.replace(f"{self.root}/", "") if self.root else first)
        before, kept = self.found.get(why, (0, inside))
        self.found[why] = (before + count, kept)

    def add(self, left_out: Iterable[LeftOut]) -> None:
        """Add counts that were made before."""
        for each in left_out:
            self.leave_out(each.why, each.first, each.count)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was counted, in the order of first occurrence."""
        return tuple(LeftOut(count, why, first) for why, (count, first) in self.found.items())


def short(text: str) -> str:
    r"""A text on one line, shortened where it is long.

    >>> short("two\nlines")
    'two lines'
    """
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


_MOST_DIGITS = 18
"""Of a line's number; Python turns no more than 4,300 into one."""


def pasted(lines: Sequence[str]) -> tuple[int, str] | None:
    """The number of the first line that is not plain text, from 1, and what is wrong with it.

    None if all are plain.

    >>> pasted(["a dog", "'a cat',"])
    (2, 'is a string of code; write it without quotes')
    >>> pasted(["0: tench", "1: goldfish"])
    (1, 'begins with its number, as all lines do; write the names alone')
    """
    plain = [line.strip() for line in lines]
    for number, line in enumerate(plain, start=1):
        if len(line) > 1 and _QUOTED.fullmatch(line):
            return number, "is a string of code; write it without quotes"
        if _CODE.fullmatch(line):
            return number, "is code; write plain lines"
        if _END.fullmatch(line):
            return number, f"ends as a line of code does, in {line[-2:]!r}; write the words alone"
        if _COMMENT.fullmatch(line):
            return number, "holds a comment; remove it"
    if len(plain) < 2:
        return None
    if plain[0].casefold() in _HEADERS:
        return 1, "is the header of a table; remove it"
    if plain[0] in _BRACKETS and plain[-1].rstrip(",;") == _BRACKETS[plain[0]]:
        return 1, "opens a list of code; write plain lines"
    found = [_NUMBERED.fullmatch(line) for line in plain]
    numbers = [int(each[1]) for each in found if each is not None and len(each[1]) <= _MOST_DIGITS]
    if len(numbers) == len(plain) and numbers == list(range(numbers[0], numbers[0] + len(plain))):
        return 1, "begins with its number, as all lines do; write the names alone"
    if all(map(_WITH_ID.fullmatch, plain)):
        return 1, "begins with an id, as all lines do; write NAME, a tab, ID"
    if all(map(_ITEM.fullmatch, plain)):
        return 1, "begins with the mark of a list, as all lines do; remove it"
    if all(line.endswith(",") for line in plain[:-1]):
        return 1, "ends with a comma, as all lines do; remove it"
    return None


def wrong_template(template: str) -> str:
    """What is wrong with a template; empty if it has exactly one `{}` and no other brace.

    >>> wrong_template("a photo of a {{}}.")
    'needs one {} for the name, and no other brace'
    """
    if "{c}" in template:
        return "holds {c}, as CLIP_benchmark's files do; write {} for the name"
    rest = template.replace("{}", "", 1)
    if len(rest) == len(template) or "{" in rest or "}" in rest:
        return "needs one {} for the name, and no other brace"
    return ""
