"""`vlbench site`: the results as static pages."""

from pathlib import Path

import click

from vlbench.cli.flags import flags, results_flag, say

EXAMPLES = """\b
vlbench site --out site
vlbench site --results results --out site --data-root ~/data
"""


@click.command("site", epilog=EXAMPLES)
@results_flag
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    envvar="VLBENCH_OUT",
    help="Where the pages go: a new or empty folder, or an earlier site, which is brought up to date.",
)
@flags("data_root", "cache", "include_path")
def command(
    results: Path,
    out: Path,
    data_root: tuple[Path, ...],
    cache: Path | None,
    include_path: tuple[Path, ...],
) -> None:
    """Write a static site of the results; open its index.html in a browser.

    It needs no server and loads nothing from elsewhere: a leaderboard to sort, filter and download, a page
    a task and a model, two models side by side, and accuracy against cost. Partial results are left out.
    Where predictions were saved (`vlbench run --save-predictions`), a task's page shows what was confused
    and the worst items, with thumbnails if the task's images lie here.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.website import build_site

    written = build_site(results, out, include_path=include_path, data_root=data_root, cache=cache)
    for note in written.left_out:
        say(f"vlbench: {note}")
    click.echo(f"{written.pages} pages in {written.files} files; open {out / 'index.html'}")
