"""`vlbench sweep-prompts`: how much a score depends on the template."""

from typing import Literal, Unpack

import click

from vlbench.cli.flags import ENCODING, completion, flags, format_flag
from vlbench.cli.output import answer_text, say, terminal_width
from vlbench.options import Keywords
from vlbench.report.tables.prompt_spread import PromptSpread

EXAMPLES = """\b
vlbench sweep-prompts tiny-clip shapes
vlbench sweep-prompts clip-b32 imagenet --templates mine.txt
"""


@click.command("sweep-prompts", epilog=EXAMPLES)
@click.argument("model", shell_complete=completion("model"))
@click.argument("task", shell_complete=completion("task"))
@flags("templates")
@format_flag("text", "json", "csv", help="The output.")
@flags(
    *ENCODING,
    "workers",
    "limit",
    "allow_subset",
    "data_root",
    "cache",
    "include_path",
)
@flags("weights")
def command(model: str, task: str, form: Literal["text", "json", "csv"], **options: Unpack[Keywords]) -> None:
    """Score MODEL on TASK with each template alone.

    Images are encoded once and stored, as in `run`; with stored features a sweep takes seconds. It prints the
    spread, the best and the worst template, and changes no leaderboard.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.prompt_sweep import sweep_prompts

    sweep = sweep_prompts(model, task, tell=say, **options)
    spread = PromptSpread.of(sweep.whole, sweep.single)
    printed = {"json": spread.as_json, "csv": spread.as_csv}
    text = printed[form]() if form in printed else spread.as_text(terminal_width())
    answer_text(text, exact=form == "csv")
