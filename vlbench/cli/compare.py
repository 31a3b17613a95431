"""`vlbench compare`: two models on the same images, tested in pairs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlbench.cli.options import names_in, results_option
from vlbench.core.files import file_name

if TYPE_CHECKING:
    from vlbench.report.paired.comparison_text import Form

EXAMPLES = """\b
vlbench compare tiny-react tiny-clip
vlbench compare clip-b32 clip-b16 --task 'imagenet*,dtd' --format markdown
"""


@click.command("compare", epilog=EXAMPLES)
@click.argument("a")
@click.argument("b")
@click.option(
    "--task",
    "-t",
    "tasks",
    multiple=True,
    metavar="NAME[,NAME]",
    envvar="VLBENCH_TASK",
    help="Tasks, wildcards allowed.  [default: all that both have]",
)
@results_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="Of the answer.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, envvar="VLBENCH_SEED", help="Of the resampling."
)
def command(a: str, b: str, tasks: tuple[str, ...], results: Path, form: "Form", seed: int) -> None:
    """Compare models A and B, rows of the leaderboard, on the images that both have answered.

    For each task: the difference B - A of the primary metric with its 95 % interval, the p of a paired test
    (McNemar's mid-p test of hits, the exact one beside it; a paired bootstrap over images of mean average
    precision; random signs of what each image gains), p adjusted for the number of tasks by Holm's method,
    and the classes or tags that moved most. It reads what `vlbench run` writes beside every result.

    Results of different protocols, data or thresholds, and partial ones, are refused.
    """
    from vlbench.api import compare
    from vlbench.report.paired.comparison_text import comparison_text

    names = names_in(tasks, lambda name: (results / file_name(name)).is_dir())
    click.echo(comparison_text(compare(a, b, names, results=results, seed=seed), form))
