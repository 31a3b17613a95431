"""`vlbench data`: check whether the data of tasks are here, and fetch them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Unpack

import click
from tqdm import tqdm

from vlbench.acquiring.check import check_data
from vlbench.acquiring.get import Plan, fetch, plan_download
from vlbench.cards.catalogue import read_catalogue, select
from vlbench.cli.data_text import check_lines, checks_table, plans_lines
from vlbench.cli.flags import completion, flag, flags, format_flag
from vlbench.cli.output import answer, answer_text, say, terminal_width
from vlbench.core.errors import VlbenchError
from vlbench.core.machine import fault_line, is_machine_fault
from vlbench.core.name_list import split_names
from vlbench.core.visible import visible
from vlbench.options import Keywords, Options

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


tasks_argument = click.argument("tasks", metavar="TASK[,TASK...]", shell_complete=completion("task"))
text_or_json = format_flag("text", "json")


@click.group("data")
def command() -> None:
    """Check or fetch the data of tasks."""


@command.command("check", epilog=CHECK_EXAMPLES)
@tasks_argument
@flag("data_root")
@flag(
    "verify_data",
    help="Digest the bytes, and compare what `data get` downloaded with the digests of the hub.",
)
@click.option(
    "--open",
    "sample",
    type=click.IntRange(min=0),
    default=SAMPLE,
    show_default=True,
    help="Decode this many images, chosen by a fixed seed.",
)
@text_or_json
@flags("cache", "include_path")
def check(tasks: str, sample: int, form: str, **options: Unpack[Keywords]) -> None:
    """Check whether the data of tasks are here, and whether they match their cards.

    TASK is a name, an alias, a collection or a wildcard. Nothing is fetched. Exit code: 0 if everything
    matches; 1 if something differs; 2 if a task has no data.
    """
    read = Options.of(options)
    catalogue = read_catalogue(read.include_path)
    names = select(catalogue, split_names([tasks]), "task")
    checks = [check_data(name, catalogue, read.data, sample=sample) for name in names]
    if form == "json":
        answer_text(json.dumps([asdict(each) for each in checks], indent=1, ensure_ascii=False))
    elif len(checks) == 1:
        for line in check_lines(checks[0]):
            answer(line)
    else:
        answer_text(checks_table(checks, terminal_width()))
    click.get_current_context().exit(max(EXIT_CODES[each.state] for each in checks))


@command.command("get", epilog=GET_EXAMPLES)
@tasks_argument
@flag("data_root")
@click.option("--repo", metavar="ORG/NAME", help="The repository of the card.  [default: the first]")
@click.option("--dry-run", is_flag=True, help="List the files and their sizes; download nothing.")
@text_or_json
@flag("include_path")
def get(
    tasks: str,
    repo: str | None,
    dry_run: bool,  # noqa: FBT001
    form: str,
    **options: Unpack[Keywords],
) -> None:
    """Fetch the data of tasks from the Hugging Face hub.

    With --data-root, tar and parquet files go where the card's local sources read them. Without it, or where
    no local source reads such files, they go into the hub's cache. An interrupted call continues where it
    stopped; sizes and digests are verified. A gated repository needs a token: `hf auth login`, or HF_TOKEN.
    """
    read = Options.of(options)
    catalogue = read_catalogue(read.include_path)
    names = select(catalogue, split_names([tasks]), "task")
    failed: list[str] = []
    plans = []
    for name in names:
        with _kept(failed, alone=len(names) == 1):
            plans.append(plan_download(name, catalogue, read.data, repo=repo))
    if form == "json":
        answer_text(json.dumps([plan.as_json() for plan in plans], indent=1, ensure_ascii=False))
    elif dry_run:
        for line in plans_lines(plans):
            answer(line)
    if not dry_run:
        for plan in plans:
            with _kept(failed, alone=len(names) == 1):
                _fetch(plan)
    if failed:
        click.get_current_context().exit(FAILED)


@contextmanager
def _kept(failed: list[str], *, alone: bool) -> Iterator[None]:
    """Of several tasks, one that fails is reported and the others continue; a single task raises."""
    try:
        yield
    except (VlbenchError, OSError) as error:
        if alone or not (isinstance(error, VlbenchError) or is_machine_fault(error)):
            raise
        said = str(error) if isinstance(error, VlbenchError) else fault_line(error)
        failed.append(f"vlbench: {' '.join(said.split())}")
        say(failed[-1])


def _fetch(plan: Plan) -> None:
    """Fetch what is missing; on a terminal, with a progress bar of bytes, throughput and time left."""
    if not plan.missing:
        say(f"{plan.task}: all {len(plan.files)} files are in {plan.destination}")
        return
    label = f"{plan.task} ({plan.listing.repo})"
    with tqdm(total=plan.missing_bytes, unit="B", unit_scale=True, desc=visible(label), disable=None) as bar:
        fetch(plan, bar.update)
    files = "1 file" if len(plan.missing) == 1 else f"{len(plan.missing)} files"
    say(
        f"{plan.task}: {files}, {plan.missing_bytes:,} bytes, of {plan.listing.repo}"
        f"@{plan.listing.commit[:10]} in {plan.destination}; `vlbench data check {plan.task}` counts them"
    )
