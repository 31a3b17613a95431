"""`vlbench compare`: test two models on the same images, in pairs."""

from pathlib import Path

import click

from vlbench.api.comparison import compare
from vlbench.cli.flags import completion, flag, format_flag, names_flag, results_flag
from vlbench.cli.output import answer_text, terminal_width
from vlbench.core.files import file_name
from vlbench.core.name_list import split_names
from vlbench.report.paired.comparison_text import Form, comparison_text

EXAMPLES = """\b
vlbench compare tiny-react tiny-clip
vlbench compare clip-b32 clip-b16 --task 'imagenet*,dtd' --format markdown
"""


@click.command("compare", epilog=EXAMPLES)
@click.argument("a", shell_complete=completion("model"))
@click.argument("b", shell_complete=completion("model"))
@names_flag("task", "Tasks, wildcards allowed.  [default: all that both have]")
@results_flag
@format_flag("text", "json", "markdown")
@flag("seed", help="Seed for the resampling.")
def command(a: str, b: str, tasks: tuple[str, ...], results: Path, form: Form, seed: int) -> None:
    """Compare models A and B, rows of the leaderboard, on the images that both were run on.

    For each task: the difference B - A of the primary metric with its 95 % interval, the p value of a paired
    test, the p value adjusted for the number of tasks (Holm), and the classes or tags that moved most. The
    test is McNemar's mid-p test for hits (with the exact one), a paired bootstrap over images for mean
    average precision, and a sign-flip test of per-image differences for the rest. It reads the items that
    `vlbench run` writes with every result.

    Results of different protocols, data or thresholds, and partial ones, are refused.
    """
    names = split_names(tasks, lambda name: (results / file_name(name)).is_dir())
    answer_text(comparison_text(compare(a, b, names, results=results, seed=seed), form, terminal_width()))
