"""`vlbench data`: whether the data of tasks are here, and fetching them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from vlbench.cli.options import cache_option, data_root_option, data_roots, include_path_option, names_in
from vlbench.core.errors import VlbenchError

if TYPE_CHECKING:
    from vlbench.acquiring.get import Plan
    from vlbench.cards.catalogue import Catalogue
    from vlbench.cards.data_request import DataRequest

EXIT_CODES = {"fits": 0, "differs": 1, "missing": 2}
FAILED = 2
SAMPLE = 16
CHECK_EXAMPLES = """\b
vlbench data check imagenet --data-root /data
vlbench data check vtab --format json
vlbench data check dtd --data-root dtd=/data/dtd/images --verify-data --open 1000
"""
GET_EXAMPLES = """\b
vlbench data get cifar10
vlbench data get vtab --data-root /data --dry-run
"""


class CheckArguments(TypedDict):
    """What click hands over for `check`."""

    tasks: str
    data_root: tuple[str, ...]
    verify_data: bool
    sample: int
    form: str
    cache: Path | None
    include_path: tuple[Path, ...]


class GetArguments(TypedDict):
    """What click hands over for `get`."""

    tasks: str
    data_root: tuple[str, ...]
    repo: str | None
    dry_run: bool
    form: str
    include_path: tuple[Path, ...]


tasks_argument = click.argument("tasks", metavar="TASK[,TASK...]")
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group("data")
def command() -> None:
    """Check or fetch the data of tasks."""


@command.command("check", epilog=CHECK_EXAMPLES)
@tasks_argument
@data_root_option
@click.option(
    "--verify-data",
    is_flag=True,
    envvar="VLBENCH_VERIFY_DATA",
    help="Digest the bytes, and hold what `data get` fetched against the digests of the hub.",
)
@click.option(
    "--open",
    "sample",
    type=click.IntRange(min=0),
    default=SAMPLE,
    show_default=True,
    help="Decode this many images, chosen by a fixed seed.",
)
@format_option
@cache_option
@include_path_option
def check(**arguments: Unpack[CheckArguments]) -> None:
    """Say whether the data of tasks are here, and whether they are all that the cards say.

    TASK is a name, an alias, a collection or a wildcard. Nothing is fetched. Exit code 0: all of it fits;
    1: something differs; 2: a task has no data.
    """
    from vlbench.acquiring.check import check_data
    from vlbench.cards.catalogue import read_catalogue
    from vlbench.cli.data_text import check_lines, checks_table
    from vlbench.core.files import default_cache

    catalogue = read_catalogue(arguments["include_path"])
    request = _request(arguments["data_root"], cache=arguments["cache"] or default_cache())
    if arguments["verify_data"]:
        from dataclasses import replace

        request = replace(request, verify=True)
    names = _names(arguments["tasks"], catalogue)
    checks = [check_data(name, catalogue, request, sample=arguments["sample"]) for name in names]
    if arguments["form"] == "json":
        click.echo(json.dumps([each.as_json() for each in checks], indent=1, ensure_ascii=False))
    elif len(checks) == 1:
        click.echo("\n".join(check_lines(checks[0])))
    else:
        click.echo(checks_table(checks))
    click.get_current_context().exit(max(EXIT_CODES[each.state] for each in checks))


@command.command("get", epilog=GET_EXAMPLES)
@tasks_argument
@data_root_option
@click.option("--repo", metavar="ORG/NAME", help="Which of the card's repositories.  [default: the first]")
@click.option("--dry-run", is_flag=True, help="List the files and their sizes, and fetch nothing.")
@format_option
@include_path_option
def get(**arguments: Unpack[GetArguments]) -> None:
    """Fetch the data of tasks from the Hugging Face hub.

    With --data-root, tars and parquet files go where the card's local sources read them; else, and where
    no local source reads such files, into the hub's cache. An interrupted call goes on where it stopped;
    sizes and digests are verified. A gated repository wants a token: `hf auth login`, or HF_TOKEN.
    """
    from vlbench.acquiring.get import plan_download
    from vlbench.cards.catalogue import read_catalogue

    catalogue = read_catalogue(arguments["include_path"])
    request = _request(arguments["data_root"], cache=None)
    names = _names(arguments["tasks"], catalogue)
    failures = _Failures(alone=len(names) == 1)
    plans = []
    for name in names:
        with failures.kept():
            plans.append(plan_download(name, catalogue, request, repo=arguments["repo"]))
    if arguments["form"] == "json":
        click.echo(json.dumps([plan.as_json() for plan in plans], indent=1, ensure_ascii=False))
    elif arguments["dry_run"]:
        from vlbench.cli.data_text import plans_lines

        click.echo("\n".join(plans_lines(plans)))
    if not arguments["dry_run"]:
        for plan in plans:
            with failures.kept():
                _fetch(plan)
    if failures.count:
        click.get_current_context().exit(FAILED)


class _Failures:
    """Of several tasks one that fails is told, and the others go on; one alone raises."""

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self.count = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Tell the error of one task."""
        try:
            yield
        except VlbenchError as error:
            if self.alone:
                raise
            self.count += 1
            click.echo(f"vlbench: {' '.join(str(error).split())}", err=True)


def _fetch(plan: "Plan") -> None:
    """Fetch what is missing, under a bar of bytes, throughput and time left where somebody watches."""
    from tqdm import tqdm

    from vlbench.acquiring.get import fetch

    if not plan.missing:
        click.echo(f"{plan.task}: all {len(plan.files)} files are in {plan.destination}", err=True)
        return
    label = f"{plan.task} ({plan.listing.repo})"
    with tqdm(total=plan.missing_bytes, unit="B", unit_scale=True, desc=label, disable=None) as bar:
        fetch(plan, bar.update)
    files = "1 file" if len(plan.missing) == 1 else f"{len(plan.missing)} files"
    click.echo(
        f"{plan.task}: {files}, {plan.missing_bytes:,} bytes, of {plan.listing.repo}"
        f"@{plan.listing.commit[:10]} in {plan.destination}; `vlbench data check {plan.task}` counts them",
        err=True,
    )


def _request(data_root: Sequence[str], *, cache: Path | None) -> "DataRequest":
    from vlbench.cards.data_request import DataRequest

    roots, task_roots = data_roots(data_root)
    return DataRequest(roots=roots, roots_by_task=task_roots, cache=cache)


def _names(asked: str, catalogue: "Catalogue") -> tuple[str, ...]:
    from vlbench.cards.catalogue import select

    return tuple(select(catalogue, names_in([asked]), "task"))
