"""What commands print: nothing that a terminal would obey leaves through these doors."""

import shutil
import sys

import click

from vlbench.core.visible import visible


def say(line: str) -> None:
    """Tell a line beside the answer, on stderr."""
    click.echo(visible(line), err=True)


def answer(line: str) -> None:
    """Print a line of the answer."""
    click.echo(visible(line))


def answer_text(text: str, *, exact: bool = False) -> None:
    """Print lines of the answer, or JSON, which stays what it says.

    A text that is `exact` is another program's: its names stay as they are where no terminal shows them.
    """
    is_read = exact and not sys.stdout.isatty()
    ended = not text or text.endswith("\n")
    # click takes colours out of names unless it is told of colours
    click.echo(text if is_read else visible(text, keep="\n"), nl=not ended, color=is_read or None)


def terminal_width() -> int | None:
    """The characters in a line of the terminal that shows the answer; None for a file or another program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
