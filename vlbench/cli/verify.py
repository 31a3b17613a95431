"""`vlbench verify`: compare results with published scores."""

from pathlib import Path

import click

from vlbench.api.references import verify
from vlbench.cli.flags import completion, flag, format_flag, results_flag
from vlbench.cli.output import answer, answer_text, terminal_width
from vlbench.core.errors import CheckFailed
from vlbench.report.exchange.verify import unreproduced
from vlbench.report.exchange.verify_text import Form, comparisons_text

EXAMPLES = """\b
vlbench verify
vlbench verify clip-b32 imagenet
vlbench verify 'clip-*' --format markdown
"""


@click.command("verify", epilog=EXAMPLES)
@click.argument("model", default="*", shell_complete=completion("model"))
@click.argument("task", default="*", shell_complete=completion("task"))
@results_flag
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.002,
    show_default=True,
    help="How much a result may differ from a published value and still reproduce it.",
)
@format_flag("text", "json", "csv", "markdown")
@flag("include_path")
def command(
    model: str, task: str, results: Path, tolerance: float, form: Form, include_path: tuple[Path, ...]
) -> None:
    """Compare results with published scores of the same model, task and metric.

    A score is reproduced if it differs from the result's value by at most --tolerance, or half a unit of its
    last printed digit if that is more. If it differs by more but is inside the 95 % interval, it is
    undecided: there are too few images to tell. Otherwise the line states by how much it is off; or it is not
    comparable, and the line names what differs, such as the templates, the split or the metric. Scores that
    `vlbench import` read from files of other tools are compared too, but do not count as published.

    MODEL and TASK may hold wildcards or be aliases; TASK may be a collection. Exit code: 0, or 1 if a score
    is off or undecided and no other published source is reproduced.
    """
    comparisons = verify(model, task, results=results, tolerance=tolerance, include_path=include_path)
    if not comparisons and form == "text":
        answer(f"{results}: nothing is published of these models on these data sets")
        return
    answer_text(comparisons_text(comparisons, form, terminal_width()), exact=form == "csv")
    off = unreproduced(comparisons)
    if off:
        first = off[0]
        more = f" and {len(off) - 1} more" if len(off) > 1 else ""
        raise CheckFailed(
            f"not reproduced: {first.model} on {first.task}, {first.metric}: {first.judgement} "
            f"({first.published.source}){more}"
        )
