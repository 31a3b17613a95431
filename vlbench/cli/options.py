"""Options that several commands share, each read from its environment variable too."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from vlbench.core.errors import VlbenchError


def batch_size_asked(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """Read --batch-size: a number, or None for the word auto.

    It raises VlbenchError where the value is neither.
    """
    if value is None or value == "auto":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise VlbenchError(f"--batch-size {value!r} is neither auto nor a number of 1 or more")
    return int(value)


batch_size_option = click.option(
    "--batch-size",
    callback=batch_size_asked,
    default="auto",
    show_default=True,
    metavar="N|auto",
    envvar="VLBENCH_BATCH_SIZE",
    help="Images a batch; auto halves when the device runs out of memory.",
)
device_option = click.option(
    "--device", default="auto", show_default=True, envvar="VLBENCH_DEVICE", help="auto, cpu, cuda, cuda:1 ..."
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    envvar="VLBENCH_PRECISION",
    help="Of the model's arithmetic; part of a result's model name unless fp32.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=0),
    envvar="VLBENCH_WORKERS",
    help="Loader threads.  [default: 2 on a CPU, up to 16 beside a GPU]",
)
data_root_option = click.option(
    "--data-root",
    multiple=True,
    type=click.Path(),
    metavar="DIR|TASK=DIR",
    envvar="VLBENCH_DATA",
    help="Where data lie: a folder of data sets, or one task's own folder.",
)
results_option = click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    envvar="VLBENCH_RESULTS",
    help="The folder with the result JSON files.",
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    envvar="VLBENCH_LIMIT",
    help="Take N images (or items) spread over the data; the result is partial and in no leaderboard.",
)
allow_subset_option = click.option(
    "--allow-subset",
    is_flag=True,
    envvar="VLBENCH_ALLOW_SUBSET",
    help="Run what data there are where the card expects more; the result is partial.",
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VLBENCH_CACHE",
    help="Where features and digests are kept.  [default: ~/.cache/vlbench]",
)
include_path_option = click.option(
    "--include-path",
    multiple=True,
    envvar="VLBENCH_INCLUDE_PATH",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with more cards.",
)
templates_option = click.option(
    "--templates",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="VLBENCH_TEMPLATES",
    help="Templates in place of the task's: one a line, each with {} for the name.",
)
weights_option = click.option(
    "--weights",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="VLBENCH_WEIGHTS",
    help="The model's weights from a file; its digest becomes part of the model's name.",
)


def names_in(values: Iterable[str], is_one: Callable[[str], bool] | None = None) -> tuple[str, ...]:
    """Names that commas set apart; one in a name that `is_one` knows does not.

    Unless it is given, that is the path of a folder that exists (`tagging:a,b`).
    """
    known = is_one or _is_reference
    found = []
    for value in values:
        parts = value.split(",")
        while parts:
            joined = [",".join(parts[:count]) for count in range(len(parts), 0, -1)]
            name = next((each for each in joined[:-1] if known(each)), parts[0])
            parts = parts[name.count(",") + 1 :]
            found.append(name)
    return tuple(name for name in found if name)


def _is_reference(name: str) -> bool:
    """Whether a name is `SCHEME:PATH`, and the path is there."""
    scheme, _, path = name.partition(":")
    return "," not in scheme and bool(path) and Path(path).expanduser().exists()


def data_roots(values: Iterable[Path | str]) -> tuple[tuple[Path, ...], dict[str, Path]]:
    """Folders of data sets, and the folders that `TASK=DIR` gives to one task."""
    roots: list[Path] = []
    task_roots: dict[str, Path] = {}
    for value in map(str, values):
        task, mark, folder = value.partition("=")
        if mark and not Path(value).exists():
            task_roots[task] = Path(folder)
        else:
            roots.append(Path(value))
    return tuple(roots), task_roots
