r"""Lines pasted from code, from a table or from a list with numbers: models would read the marks as words."""

import re
from collections.abc import Sequence

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
