"""`vlbench leaderboard`: rebuild or check the CSVs of a results folder, and print the leaderboard."""

from pathlib import Path
from typing import Literal

import click

from vlbench.api.additions import leaderboard_additions
from vlbench.cli.flags import flag, format_flag, results_flag
from vlbench.cli.output import answer, answer_text, say
from vlbench.core.errors import CheckFailed
from vlbench.core.result import Result
from vlbench.report.exchange.imported import imported_text, read_imported
from vlbench.report.results import read_results
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.leaderboard import (
    LEADERBOARD,
    notes,
    pictures_of,
    stale_leaderboards,
    with_ranks,
    write_leaderboards,
)
from vlbench.report.tables.leaderboard_table import leaderboard_markdown, leaderboard_table
from vlbench.report.tables.seeds import spreads

NO_CURVE = "no few-shot curve: no whole result is by a method with `shots`, such as --method NAME:shots=4"
EXAMPLES = """\b
vlbench leaderboard
vlbench leaderboard --format markdown --intervals >> "$GITHUB_STEP_SUMMARY"
vlbench leaderboard --plot
vlbench leaderboard --check
"""


@click.command("leaderboard", epilog=EXAMPLES)
@results_flag
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a CSV does not match the results.")
@format_flag(
    "text",
    "markdown",
    "csv",
    help="The output: a table for a terminal, one for a README, or leaderboard.csv.",
)
@click.option("--intervals", is_flag=True, help="Show 95 % intervals in Markdown.")
@click.option("--plot", is_flag=True, help="Draw each task's few-shot curves, TASK.few_shot.svg.")
@flag("include_path")
def command(
    results: Path,
    check: bool,  # noqa: FBT001
    form: Literal["text", "markdown", "csv"],
    intervals: bool,  # noqa: FBT001
    plot: bool,  # noqa: FBT001
    include_path: tuple[Path, ...],
) -> None:
    """Rebuild the leaderboard CSVs from the result JSON files and print the leaderboard, or check them.

    A model's rank on a task is 1 + the number of models that are significantly better there (paired tests on
    per-item records, Holm's correction over the column, 5 %). Pictures of few-shot curves in the folder are
    rebuilt and checked too.
    """
    additions = leaderboard_additions(include_path)
    if check:
        _check(results, additions, plot=plot)
        return
    found = write_leaderboards(results, additions, plot=plot)
    _say_notes(found, additions)
    if plot:
        for line in [str(results / name) for name in pictures_of(results)] or [f"{results}: {NO_CURVE}"]:
            say(f"vlbench: {line}")
    theirs, tasks = read_imported(results), {result.task for result in found}
    if form == "csv":
        answer_text((results / LEADERBOARD).read_bytes().decode(), exact=True)
        return
    if form == "markdown":
        ranked = with_ranks(results, found, additions)
        answer_text(leaderboard_markdown(found, ranked, intervals=intervals))
        imported = imported_text(theirs, tasks, markdown=True)
    else:
        text = (results / LEADERBOARD).read_bytes().decode()
        answer_text(leaderboard_table(text, spreads(found)))
        imported = imported_text(theirs, tasks)
    if imported:
        answer_text(f"\n{imported}")


def _check(folder: Path, additions: Additions, *, plot: bool) -> None:
    stale = stale_leaderboards(folder, additions, plot=plot)
    if stale:
        again = f"vlbench leaderboard --results {folder}{' --plot' * plot}"
        raise CheckFailed(f"{folder}: stale: {', '.join(stale)}; run `{again}`")
    _say_notes(read_results(folder), additions)
    if plot and not pictures_of(folder):
        say(f"vlbench: {folder}: {NO_CURVE}")
    files = "every CSV and picture" if pictures_of(folder) else "every CSV"
    answer(f"{folder}: {files} is what the results say")


def _say_notes(results: tuple[Result, ...], additions: Additions) -> None:
    for note in notes(results, additions):
        say(f"vlbench: {note}")
