"""`vlbench site`: write the results as static pages."""

from pathlib import Path

import click

from vlbench.cli.flags import flags, results_flag
from vlbench.cli.output import answer, say

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
    help="Where the pages are written: a new or empty folder, or an earlier site, which is updated.",
)
@flags("data_root", "cache", "include_path")
def command(
    results: Path,
    out: Path,
    data_root: tuple[Path, ...],
    cache: Path | None,
    include_path: tuple[Path, ...],
) -> None:
    """Write a static site from the results. Open its index.html in a browser.

    It needs no server and loads nothing from elsewhere. It has a leaderboard to sort, filter and download, a
    page for each task and model, two models side by side, and accuracy against cost. Partial results are left
    out. Where predictions were saved (`vlbench run --save-predictions`), a task's page shows confused classes
    and the worst items, with thumbnails if the images are here.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.website import build_site

    written = build_site(results, out, include_path=include_path, data_root=data_root, cache=cache)
    for note in written.left_out:
        say(f"vlbench: {note}")
    answer(f"{written.pages} pages in {written.files} files; open {out / 'index.html'}")
