"""Writes a site as files: only changed files are written, and obsolete ones are removed."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from vlbench.core.errors import DataError
from vlbench.core.files import PASSING, naming_file, write_atomically
from vlbench.report.site.addresses import row_data, row_page, task_page, task_table
from vlbench.report.site.pages import Pages
from vlbench.report.site.scripts import leaderboard_script, names_script, row_script
from vlbench.report.site.values import Site
from vlbench.report.tables.few_shot import FEW_SHOT
from vlbench.report.tables.leaderboard import LEADERBOARD
from vlbench.report.tables.steps import STEPS

MANIFEST = ".vlbench-site"
"""The list of a site's files. A folder with such a list holds a site."""


@dataclass(frozen=True, slots=True)
class Written:
    """A site on disk: the number of its files, and of its pages, and notes on what it leaves out."""

    files: int
    pages: int
    left_out: tuple[str, ...] = ()


def site_files(site: Site) -> Iterator[tuple[str, bytes]]:
    """Every file of a site: its path below the folder, and its bytes."""
    pages = Pages.of(site)
    yield "index.html", pages.index().encode()
    yield "compare.html", pages.compare().encode()
    yield "leaderboard.js", leaderboard_script(site).encode()
    yield "names.js", names_script(site).encode()
    for name in (LEADERBOARD, FEW_SHOT, STEPS):
        if name in site.csvs:
            yield f"csv/{name}", site.csvs[name].encode()
    for task in site.tasks:
        yield task_page(task.name), pages.task(task).encode()
        yield task_table(task.name), site.csvs[task_table(task.name).removeprefix("csv/")].encode()
    for row in site.rows:
        yield row_page(row.name), pages.row(row).encode()
        yield row_data(row.name), row_script(row).encode()
    for mistakes in site.joined.mistakes:
        for item in mistakes.worst:
            if item.picture:
                yield item.picture, item.thumbnail
    for file in sorted(files("vlbench.report.site").joinpath("static").iterdir(), key=lambda each: each.name):
        yield f"static/{file.name}", file.read_bytes()


def write_site(site: Site, folder: Path) -> Written:
    """Write a site. The folder must be new, empty, or hold an earlier site.

    Raises:
        DataError: the folder holds something else.
    """
    earlier = _earlier(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # from the start on the folder is known as a site's, also where this is cut off
    write_atomically(folder / MANIFEST, _lines(earlier))
    made = set()
    for path, data in site_files(site):
        made.add(path)
        place = folder / path
        if place.is_file() and place.read_bytes() == data:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        with naming_file(place):
            place.write_bytes(data)
    for path in earlier - made:
        (folder / path).unlink(missing_ok=True)
    write_atomically(folder / MANIFEST, _lines(made))
    return Written(len(made), sum(path.endswith(".html") for path in made), site.left_out)


def _lines(paths: set[str]) -> str:
    return "".join(f"{path}\n" for path in sorted(paths))


def _earlier(folder: Path) -> set[str]:
    """The files of the earlier site in a folder."""
    manifest = folder / MANIFEST
    if manifest.is_file():
        lines = manifest.read_text(encoding="utf-8").splitlines()
        return {line for line in lines if (folder / line).resolve().is_relative_to(folder.resolve())}
    # a site that is being made, or was cut off, may have begun with no more than its manifest
    if folder.exists() and (
        not folder.is_dir() or any(not each.name.endswith(PASSING) for each in folder.iterdir())
    ):
        raise DataError(f"{folder}: holds other files than a site; name a new or empty folder")
    return set()
