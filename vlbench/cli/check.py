"""`vlbench check`: compare a results folder with a baseline."""

from pathlib import Path

import click

from vlbench.cli.flags import flag, format_flag, results_flag
from vlbench.cli.output import answer, answer_text, say, terminal_width
from vlbench.core.errors import CheckFailed
from vlbench.options import Options
from vlbench.report.gate.baseline import read_baseline, rows_of, write_baseline
from vlbench.report.gate.check import Tolerances, compare_rows, sentence
from vlbench.report.gate.check_text import Form, counts_line, findings_text
from vlbench.report.known_results import known_results, trusted_cache

EXAMPLES = """\b
vlbench check --baseline results/baseline.csv
vlbench check --baseline results/baseline.csv --tolerance 0.002,acc1=0.01
vlbench check --baseline results/baseline.csv --update
"""


@click.command("check", epilog=EXAMPLES)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    envvar="VLBENCH_BASELINE",
    help="The CSV to compare with, written by --update.",
)
@results_flag
@click.option(
    "--tolerance",
    default="",
    metavar="[METRIC=]N[,...]",
    envvar="VLBENCH_TOLERANCE",
    help="How much a metric may get worse, in its unit.  [default: 0.005]",
)
@click.option("--strict", is_flag=True, envvar="VLBENCH_STRICT", help="Fail what the baseline does not list.")
@click.option("--update", is_flag=True, help="Show what moved, then rewrite the baseline.")
@flag("cache")
@format_flag("text", "json", "markdown")
def command(
    baseline: Path,
    results: Path,
    tolerance: str,
    strict: bool,  # noqa: FBT001
    update: bool,  # noqa: FBT001
    form: Form,
    cache: Path | None,
) -> None:
    """Compare results with a baseline and print what moved.

    A metric fails where it got worse by more than --tolerance. Without --tolerance the limit is 0.005; on
    another kind of device, the value must also be outside the baseline's 95 % interval. A missing result or
    metric, another protocol, other weights and other data fail as well. Better values are printed, with a
    warning where images, weights and device are the same. New results are printed, and fail with --strict.

    Exit code: 0; 1 if something fails; 2 if the baseline cannot be read. With --update always 0.
    """
    tolerances = Tolerances.of_text(tolerance)
    found, _ = known_results(results, trusted_cache(Options.of({"cache": cache}).cache))
    current = rows_of(found)
    known = () if update and not baseline.exists() else read_baseline(baseline)
    tolerances.refuse_unknown([*known, *current])
    findings = compare_rows(known, current, tolerances, strict=strict)
    text = findings_text(findings, form, terminal_width())
    if text:
        answer_text(text)
    tell = say if form == "json" else answer
    tell(f"{baseline}: {len(known)} values, {counts_line(findings)}")
    for finding in findings:
        if finding.warned:
            say(f"warning: {sentence(finding)}")
    if update:
        partial = [f"{each.model} on {each.task} ({each.partial})" for each in found if each.partial]
        blank = [f"{row.model} on {row.task}, {row.metric}" for row in current if row.value is None]
        for what, names in (("partial, left out of it", partial), ("without a value", blank)):
            if names:
                more = f" and {len(names) - 1} more" if len(names) > 1 else ""
                say(f"note: {baseline}: {what}: {names[0]}{more}")
        write_baseline(baseline, current)
        say(f"{baseline}: written, {len(current)} values")
        return
    failed = [finding for finding in findings if finding.failed]
    if failed:
        more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise CheckFailed(f"{baseline}: {sentence(failed[0])}{more}; --update accepts what is meant")
