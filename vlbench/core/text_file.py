"""Text files that people write: UTF-8 text, lines, tab-separated columns, and hints for misspelt names."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path

from vlbench.core.errors import DataError, VlbenchError
from vlbench.core.files import shown
from vlbench.core.regular_file import open_regular


def read_text(path: Path, error: type[VlbenchError] = DataError) -> str:
    """The text of a file, with or without a byte order mark.

    Raises:
        VlbenchError: as `error`: it cannot be read, or is not UTF-8.
    """
    try:
        with open_regular(path) as file, TextIOWrapper(file, encoding="utf-8-sig") as text:
            return text.read()
    except UnicodeDecodeError as wrong:
        raise error(f"{shown(path)}: not UTF-8 at byte {wrong.start}; save it as UTF-8") from wrong
    except FileNotFoundError as wrong:
        raise error(f"{shown(path)}: no such file; correct the name") from wrong
    except OSError as wrong:
        raise error(f"{shown(path)}: cannot be read ({wrong.strerror}); name a file that can") from wrong


def read_lines(path: Path, error: type[VlbenchError] = DataError) -> list[str]:
    """The lines of a file, split at newlines alone, without the last empty one; a blank one may be a name.

    Raises:
        VlbenchError: as `error`: it cannot be read, is not UTF-8, or is empty.
    """
    text = read_text(path, error)
    if not text:
        raise error(f"{shown(path)}: is empty; write a line for each")
    return text.removesuffix("\n").split("\n")


def rows_of(lines: Iterable[str], where: str, error: type[VlbenchError] = DataError) -> list[list[str]]:
    """The cells of tab-separated lines; the first row is the header.

    Raises:
        VlbenchError: as `error`: a line has more or fewer columns than the header.
    """
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise error(f"{where}: line {number}: {len(row)} columns where the header has {len(rows[0])}")
    return rows


def named_missing(missing: Sequence[str], known: Iterable[str], *, shown_names: int = 3) -> str:
    """The first of some missing names, the closest known name for the first of them, and how many more there
    are.

    >>> named_missing(["cat", "cow", "dog"], ["cart"], shown_names=1)
    "'cat' (did you mean 'cart'?) and 2 more"
    """
    close = get_close_matches(missing[0], list(known), n=1, cutoff=0.6)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    rest = "".join(f", {name!r}" for name in missing[1:shown_names])
    more = f" and {len(missing) - shown_names} more" if len(missing) > shown_names else ""
    return f"{missing[0]!r}{hint}{rest}{more}"
