"""The command line called within this process, and judged as a shell and a terminal see it."""

import io
import re
from contextlib import redirect_stderr, redirect_stdout

from vlbench.core.errors import VlbenchError

OBEYED = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control and bidi characters, but those that end a line."""


class NotOneLine(Exception):
    """The command line ended with something else than one line."""


def command_line(*arguments: object) -> None:
    """Call `vlbench` as a shell does; its mistakes become VlbenchError again.

    Raises:
        VlbenchError: it said what is wrong in one line, and its exit code is 1 or 2.
        NotOneLine: it ended otherwise, or its messages hold what a terminal obeys.
    """
    from vlbench.cli.main import main

    out, err = (
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=how) for how in ("strict", "backslashreplace")
    )
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(each) for each in arguments])
        except SystemExit as end:
            code = end.code
        out.flush()
        err.flush()
    said = err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    if obeyed := OBEYED.search(said):
        raise NotOneLine(f"{obeyed[0]!r} goes to the terminal as it stands")
    if code in (0, None):
        return
    last = said.rstrip().rpartition("\n")[2]
    told = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    # `data check` prints what it finds
    fine = last.startswith(("vlbench: ", "Error: ")) or (not said and told)
    if code not in (1, 2) or not fine or "Traceback (most" in said:
        raise NotOneLine(f"exit code {code}: {said[-300:]!r}")
    raise VlbenchError(last or told)
