"""What was read of the data: how a data set says it, and the line that a run and its result give of it.

Also what no data should say: lines pasted from code, from a table or from a list with numbers, whose marks
models would read as words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlbench.core.contracts import Dataset
    from vlbench.core.task import Task

MOST_NAMED = 6
"""So many texts are named in a line; of more, the first alone."""
LONGEST = 60
"""Characters of a text in a line."""
CAPTIONS = "captions"
"""What texts are called that come with the images: sentences, of which nothing is odd."""
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
_NUMBER_OR_ID = re.compile(r"[a-z]?\d+")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things of one kind that lie with the data and were not read; `first` names one of them."""

    count: int
    why: str
    first: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.why} (the first: {_short(self.first)})"


@dataclass(frozen=True, slots=True)
class Reading:
    """How the data of a data set were read.

    `layout` says what it took them for, `labels` which file, column or folder says what is true, `remarks`
    what else a user has to know. `lacks` says which images that the data list are not there; then a result
    is partial.
    """

    layout: str = ""
    labels: str = ""
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    lacks: str = ""


def read_so(source: "Dataset") -> str:
    """How a source read its data, in brackets, for an error about what they do not say; empty if unknown."""
    reading = source.reading
    said = [f"labels: {reading.labels}"] if reading.labels else []
    said.extend(f"left out: {each}" for each in reading.left_out)
    return f" ({'; '.join(said)})" if said else ""


@dataclass(slots=True)
class Tally:
    """Counts what is left out while data are read, by why.

    What is named is named below `root`, so that results of two machines say the same.
    """

    root: str = ""
    found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def leave_out(self, why: str, first: str, count: int = 1) -> None:
        """Count things that are left out; the first of their kind is kept to be named."""
        inside = first.replace(f"{self.root}/", "") if self.root else first
        before, named = self.found.get(why, (0, inside))
        self.found[why] = (before + count, named)

    def add(self, left_out: Iterable[LeftOut]) -> None:
        """Take over what was counted before."""
        for each in left_out:
            self.leave_out(each.why, each.first, each.count)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was counted, in the order in which it was met."""
        return tuple(LeftOut(count, why, first) for why, (count, first) in self.found.items())


def what_was_read(task: "Task") -> dict[str, str]:
    """What a task read, as a result records it; what there is nothing to say of is left out.

    `data` is the layout, else the kind that the data set's name begins with, and the name; `images` their
    number and those left out, `texts` the names or the first and the number, `prompt` the first one asked,
    `labels` where the truth comes from, `notes` the rest; `train` and `validation` what a method learns from.
    """
    problem = task.problem
    name, reading = problem.images.name, problem.images.reading
    texts, count = problem.texts, len(problem.queries)
    names = [text.name for text in texts] if len(texts) == count else problem.names
    named = [_short(each) for each in names[:MOST_NAMED]]
    some = f", the first {named[0]!r}" if count > MOST_NAMED else f": {', '.join(named)}"
    images = f"{len(problem.images):,} images"
    said = {
        "data": f"{reading.layout or name.partition(':')[0]} ({name})" if name else "",
        "images": "; ".join([images, *(f"left out: {each}" for each in reading.left_out)]),
        "texts": f"{count:,} {task.called}{some}" if count else "",
        "prompt": _short((*texts[0].prompts, *texts[0].descriptions, texts[0].name)[0]) if texts else "",
        "labels": reading.labels,
        "notes": "; ".join([*filter(None, [reading.lacks]), *reading.remarks, *task.remarks, *_seen(task)]),
    }
    for split, learned in task.learn_from.items():
        said[split] = f"{len(learned.images):,} images of {learned.images.name}"
    return {what: text for what, text in said.items() if text}


def reading_line(task: str, said: Mapping[str, str]) -> str:
    """One line of what was read.

    >>> reading_line("t", {"data": "folder (folder:t)", "images": "2 images", "prompt": "a dog"})
    't: read folder (folder:t); 2 images; first prompt "a dog"'
    """
    forms = {
        "prompt": 'first prompt "{}"',
        "labels": "labels: {}",
        "notes": "note: {}",
        "data": "read {}",
        "train": "train split: {}",
        "validation": "validation split: {}",
    }
    parts = (forms.get(what, "{}").replace("{}", text) for what, text in said.items())
    return f"{task}: {' '.join('; '.join(parts).split())}"


def _seen(task: "Task") -> Iterable[str]:
    """What is odd about the texts: numbers for names, underscores, names that repeat or have no image."""
    texts, images = task.problem.texts, task.problem.images
    names = [text.name for text in texts]
    broken = [name for name in names if "\n" in name.strip()]
    if broken:
        yield f"{len(broken):,} {task.called} hold line breaks and are read as one each"
    if task.called == CAPTIONS or not task.problem.by_words or not len(images):
        return
    numbers = [text for text in texts if _NUMBER_OR_ID.fullmatch(text.name)]
    if numbers:
        first = (*numbers[0].prompts, *numbers[0].descriptions, numbers[0].name)[0]
        yield f"{len(numbers):,} of {len(names):,} names are numbers or ids: prompts read {_short(first)!r}"
    lines = [name for name in names if "_" in name]
    if lines:
        yield f"{len(lines):,} of {len(names):,} names hold underscores, which prompts keep: {lines[0]!r}"
    if blank := sum(not name.strip() for name in names):
        yield f"{blank:,} of {len(names):,} names are blank"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        yield f"{len(repeated):,} names stand for several {task.called}: {repeated[0]!r}"
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        alike.setdefault(" ".join(name.casefold().replace("_", " ").split()), []).append(name)
    twice = [same for same in alike.values() if len(same) > 1]
    if twice:
        yield f"{len(twice):,} names stand twice but for case or blanks: {twice[0][0]!r}, {twice[0][1]!r}"
    lacking = (task.problem.relevant.column_counts == 0).nonzero()[0].tolist()
    if lacking:
        share = f"{len(lacking):,} of {len(names):,} {task.called}"
        yield f"{share} have no image, the first {names[lacking[0]]!r}"
    target = images[0].target
    marks = (target.label, *(target.tags or ()))
    if (
        not task.partial
        and lacking[:1] == [0]
        and 1 not in lacking
        and any(isinstance(mark, int) for mark in marks)
    ):
        yield f"no image is of number 0 ({names[0]!r}): do the labels count from 1?"


def _short(text: str) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def pasted(lines: Sequence[str]) -> tuple[int, str] | None:
    """The number of a line that is no plain text, counted from 1, and what it looks like; None if all are.

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
    numbers = [int(found[1]) for line in plain if (found := _NUMBERED.fullmatch(line))]
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
    """What is wrong with a template; empty if it has one `{}` and no other brace.

    >>> wrong_template("a photo of a {{}}.")
    'needs one {} for the name, and no other brace'
    """
    rest = template.replace("{}", "", 1)
    if len(rest) == len(template) or "{" in rest or "}" in rest:
        return "needs one {} for the name, and no other brace"
    return ""
