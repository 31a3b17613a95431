"""`vlbench leaderboard`: the CSVs of a results folder, rebuilt or checked, and printed."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import click

from vlbench.cli.options import include_path_option, results_option
from vlbench.core.errors import CheckFailed
from vlbench.report.results import read_results
from vlbench.report.tables.leaderboard import (
    LEADERBOARD,
    notes,
    pictures_of,
    stale_leaderboards,
    with_ranks,
    write_leaderboards,
)

if TYPE_CHECKING:
    from vlbench.core.result import Result
    from vlbench.report.tables.averages import Additions


class Arguments(TypedDict):
    """What click hands over."""

    results: Path
    check: bool
    form: Literal["text", "markdown", "csv"]
    intervals: bool
    plot: bool
    include_path: tuple[Path, ...]


NO_CURVE = "no few-shot curve: no whole result is by a method with `shots`, such as --method NAME:shots=4"
EXAMPLES = """\b
vlbench leaderboard
vlbench leaderboard --format markdown --intervals >> "$GITHUB_STEP_SUMMARY"
vlbench leaderboard --plot
vlbench leaderboard --check
"""


@click.command("leaderboard", epilog=EXAMPLES)
@results_option
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a CSV is not what the results say.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv"]),
    default="text",
    show_default=True,
    help="What is printed: a table for a terminal, one for a README, or leaderboard.csv.",
)
@click.option("--intervals", is_flag=True, help="Show 95 % intervals in Markdown.")
@click.option("--plot", is_flag=True, help="Draw each task's few-shot curves, TASK.few_shot.svg.")
@include_path_option
def command(**arguments: Unpack[Arguments]) -> None:
    """Rebuild the leaderboard CSVs from the result JSON files and print the leaderboard, or check them.

    A model's rank on a task is 1 + the number of models that are significantly better there (paired tests
    on their per-item records, Holm's correction over the column, 5 %). Pictures of few-shot curves that lie
    in the folder are rebuilt and checked too.
    """
    from vlbench.api import leaderboard_additions

    folder, additions = arguments["results"], leaderboard_additions(arguments["include_path"])
    if arguments["check"]:
        _check(folder, additions, plot=arguments["plot"])
        return
    results = write_leaderboards(folder, additions, plot=arguments["plot"])
    _print_notes(results, additions)
    if arguments["plot"]:
        drawn = [str(folder / name) for name in pictures_of(folder)] or [f"{folder}: {NO_CURVE}"]
        click.echo("\n".join(f"vlbench: {line}" for line in drawn), err=True)
    match arguments["form"]:
        case "csv":
            click.echo((folder / LEADERBOARD).read_text(encoding="utf-8"), nl=False)
        case "markdown":
            _print_markdown(folder, results, additions, intervals=arguments["intervals"])
        case "text":
            _print_text(folder, results)


def _check(folder: Path, additions: "Additions", *, plot: bool) -> None:
    stale = stale_leaderboards(folder, additions, plot=plot)
    if stale:
        again = f"vlbench leaderboard --results {folder}{' --plot' * plot}"
        raise CheckFailed(f"{folder}: stale: {', '.join(stale)}; run `{again}`")
    _print_notes(read_results(folder), additions)
    if plot and not pictures_of(folder):
        click.echo(f"vlbench: {folder}: {NO_CURVE}", err=True)
    files = "every CSV and picture" if pictures_of(folder) else "every CSV"
    click.echo(f"{folder}: {files} is what the results say")


def _print_notes(results: "tuple[Result, ...]", additions: "Additions") -> None:
    for note in notes(results, additions):
        click.echo(f"vlbench: {note}", err=True)


def _print_text(folder: Path, results: "tuple[Result, ...]") -> None:
    from vlbench.report.exchange.imported import imported_text, read_imported
    from vlbench.report.tables.leaderboard_table import leaderboard_table
    from vlbench.report.tables.seeds import spreads

    click.echo(leaderboard_table((folder / LEADERBOARD).read_text(encoding="utf-8"), spreads(results)))
    imported = imported_text(read_imported(folder), {result.task for result in results})
    if imported:
        click.echo(f"\n{imported}")


def _print_markdown(
    folder: Path, results: "tuple[Result, ...]", additions: "Additions", *, intervals: bool
) -> None:
    from vlbench.report.exchange.imported import imported_text, read_imported
    from vlbench.report.tables.leaderboard_table import leaderboard_markdown

    ranked = with_ranks(folder, results, additions)
    click.echo(leaderboard_markdown(results, ranked, intervals=intervals))
    imported = imported_text(read_imported(folder), {result.task for result in results}, markdown=True)
    if imported:
        click.echo(f"\n{imported}")
