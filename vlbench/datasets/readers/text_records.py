"""What stands in text files of data: lines, and lines of JSON, refused by the place where they are wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlbench.core.json_text import parsed_json


def data_lines(text: str) -> list[str]:
    r"""Lines, split at newlines only, without blank lines at the end. A blank line between others is kept.

    >>> data_lines("near\r\n\nfar\n\n")
    ['near', '', 'far']
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def json_lines(text: str, file: Path) -> Iterator[tuple[str, Any]]:
    """Parse each non-blank line as JSON: yields its place, `FILE:LINE`, and its value.

    Raises:
        DataError: a line is not JSON.
    """
    for number, line in enumerate(data_lines(text), start=1):
        if line.strip():
            where = f"{file}:{number}"
            yield where, parsed_json(line, where, "correct it, or fetch it again")
