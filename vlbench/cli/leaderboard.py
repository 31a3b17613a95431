"""`vlbench leaderboard`: rebuild or check the CSVs of a results folder, and print the leaderboard."""

from pathlib import Path
from typing import Literal

import click

from vlbench.api.additions import leaderboard_additions
from vlbench.cli.flags import flags, format_flag, results_flag
from vlbench.cli.output import answer, answer_text, say, terminal_width
from vlbench.core.errors import CheckFailed, DataError
from vlbench.options import Options
from vlbench.report.exchange.imported import imported_text, read_imported
from vlbench.report.known_results import trusted_cache
from vlbench.report.tables.averages import MEAN, Additions
from vlbench.report.tables.leaderboard import (
    LEADERBOARD,
    pictures_of,
    stale_leaderboards,
    write_leaderboards,
)
from vlbench.report.tables.leaderboard_table import Layout, leaderboard_markdown, leaderboard_table
from vlbench.report.tables.ranks import with_ranks
from vlbench.report.tables.seeds import spreads

NO_CURVE = (
    "no few-shot curve: no whole result is by a method with `shots`, such as --method NAME:shots=4; and no "
    "training curve: none is of a step"
)
EXAMPLES = """\b
vlbench leaderboard
vlbench leaderboard --format markdown --intervals >> "$GITHUB_STEP_SUMMARY"
vlbench leaderboard --sort digits --transpose
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
@click.option(
    "--sort",
    default=MEAN,
    show_default=True,
    metavar="COLUMN",
    help="Sort rows by a task, mean, mean_rank, model or, in Markdown, a collection; best first.",
)
@click.option("--transpose", is_flag=True, help="Show tasks as rows and models as columns.")
@click.option("--plot", is_flag=True, help="Draw each task's few-shot and training curves, as SVG.")
@flags("cache", "include_path")
def command(
    results: Path,
    check: bool,  # noqa: FBT001
    form: Literal["text", "markdown", "csv"],
    intervals: bool,  # noqa: FBT001
    sort: str,
    transpose: bool,  # noqa: FBT001
    plot: bool,  # noqa: FBT001
    cache: Path | None,
    include_path: tuple[Path, ...],
) -> None:
    """Rebuild the leaderboard CSVs from the result JSON files and print the leaderboard, or check them.

    A model's rank on a task is 1 + the number of models that are significantly better there (paired tests on
    per-item records, Holm's correction over the column, 5 %). Pictures of few-shot curves in the folder are
    rebuilt and checked too. A terminal gets as many columns as it is wide, and the others below; a file or a
    pipe gets one table. --sort and --transpose change what is printed, not the CSVs.
    """
    if results.is_dir() and not any(results.glob("*/*.json")) and not (results / LEADERBOARD).is_file():
        raise DataError(
            f"{results}: holds no result; `vlbench run` makes them, --results names another folder"
        )
    kept = Options.of({"cache": cache}).cache
    additions = leaderboard_additions(include_path)
    if check:
        _check(results, additions, trusted_cache(kept), plot=plot)
        return
    found = write_leaderboards(results, additions, plot=plot, cache=kept, tell=_say_note)
    if plot:
        for line in [str(results / name) for name in pictures_of(results)] or [f"{results}: {NO_CURVE}"]:
            say(f"vlbench: {line}")
    theirs, tasks = read_imported(results), {result.task for result in found}
    if form == "csv":
        answer_text((results / LEADERBOARD).read_bytes().decode(), exact=True)
        return
    layout = Layout.of_results(found, sort, transpose=transpose)
    if form == "markdown":
        ranked = with_ranks(results, found, additions)
        answer_text(leaderboard_markdown(found, ranked, intervals=intervals, layout=layout))
        imported = imported_text(theirs, tasks, markdown=True)
    else:
        text = (results / LEADERBOARD).read_bytes().decode()
        answer_text(leaderboard_table(text, spreads(found), layout=layout, width=terminal_width()))
        imported = imported_text(theirs, tasks, width=terminal_width())
    if imported:
        answer_text(f"\n{imported}")


def _check(folder: Path, additions: Additions, cache: Path | None, *, plot: bool) -> None:
    notes: list[str] = []
    stale = stale_leaderboards(folder, additions, plot=plot, cache=cache, tell=notes.append)
    if stale:
        again = f"vlbench leaderboard --results {folder}{' --plot' * plot}"
        raise CheckFailed(f"{folder}: stale: {', '.join(stale)}; run `{again}`")
    for note in notes:
        _say_note(note)
    if plot and not pictures_of(folder):
        say(f"vlbench: {folder}: {NO_CURVE}")
    files = "every CSV and picture" if pictures_of(folder) else "every CSV"
    answer(f"{folder}: {files} is what the results say")


def _say_note(note: str) -> None:
    say(f"vlbench: {note}")
