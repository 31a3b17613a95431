"""`vlbench leaderboard`: the CSVs of a results folder, rebuilt or checked."""

from pathlib import Path

import click

from vlbench.core.errors import CheckFailed
from vlbench.report.imported import imported_table, read_imported
from vlbench.report.leaderboard import LEADERBOARD, notes, stale_leaderboards, write_leaderboards
from vlbench.report.seeds import spreads
from vlbench.report.table import leaderboard_table


@click.command("leaderboard")
@click.option(
    "--results",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    envvar="VLBENCH_RESULTS",
    help="The folder with the result JSON files.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a CSV is not what the results say.")
def command(folder: Path, check: bool) -> None:  # noqa: FBT001
    """Rebuild the leaderboard CSVs from the result JSON files, or check them."""
    if check:
        _check(folder)
    else:
        _rebuild(folder)


def _check(folder: Path) -> None:
    stale = stale_leaderboards(folder)
    if stale:
        raise CheckFailed(
            f"{folder}: stale: {', '.join(stale)}; run `vlbench leaderboard --results {folder}`"
        )
    click.echo(f"{folder}: every CSV is what the results say")


def _rebuild(folder: Path) -> None:
    results = write_leaderboards(folder)
    for note in notes(results):
        click.echo(f"vlbench: {note}", err=True)
    click.echo(leaderboard_table((folder / LEADERBOARD).read_text(encoding="utf-8"), spreads(results)))
    imported = imported_table(read_imported(folder), {result.task for result in results})
    if imported:
        click.echo(f"\n{imported}")
