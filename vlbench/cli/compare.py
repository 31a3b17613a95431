"""`vlbench compare`: two models on the same images, tested in pairs."""

from pathlib import Path

import click

from vlbench.api.comparison import compare
from vlbench.cli.flags import completion, flag, format_flag, names_flag, names_in, results_flag
from vlbench.cli.output import answer_text
from vlbench.core.files import file_name
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
@flag("seed", help="Of the resampling.")
def command(a: str, b: str, tasks: tuple[str, ...], results: Path, form: Form, seed: int) -> None:
    """Compare models A and B, rows of the leaderboard, on the images that both have answered.

    For each task: the difference B - A of the primary metric with its 95 % interval, the p of a paired test
    (McNemar's mid-p test of hits, the exact one beside it; a paired bootstrap over images of mean average
    precision; random signs of what each image gains), p adjusted for the number of tasks by Holm's method,
    and the classes or tags that moved most. It reads what `vlbench run` writes beside every result.

    Results of different protocols, data or thresholds, and partial ones, are refused.
    """
    names = names_in(tasks, lambda name: (results / file_name(name)).is_dir())
    answer_text(comparison_text(compare(a, b, names, results=results, seed=seed), form))
