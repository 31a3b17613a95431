"""`vlbench cache`: what lies in the cache folder, what may go, what is damaged, and another one's added."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Unpack

import click

from vlbench.cli.cache_text import portions_text, pruned_text, size_text
from vlbench.cli.flags import Amount, flag, format_flag
from vlbench.cli.output import answer, answer_text, say, terminal_width
from vlbench.core.errors import CheckFailed, VlbenchError
from vlbench.core.name_list import split_names
from vlbench.options import Keywords, Options

EXAMPLES = """\b
vlbench cache size
vlbench cache prune --older-than 30
vlbench cache prune --model 'clip-*' --dry-run
vlbench cache verify
vlbench cache merge /scratch/vlbench --cache /shared/vlbench
"""
DAY = 24 * 3600.0

text_or_json = format_flag("text", "json")
cache_flag = flag("cache")


@click.group("cache", epilog=EXAMPLES)
def command() -> None:
    """Look after the cache folder: its size, what may go, what is damaged, what another one has."""


@command.command("size")
@cache_flag
@text_or_json
def size(form: str, **options: Unpack[Keywords]) -> None:
    """Say how many bytes there are of each model and data set, and when they were last used.

    Features of equal image sides are stored once, under the model that encoded them. What is of no single
    model or data set (digests, measurements, tables) has none; `unknown` is what an earlier version stored.
    """
    # imported here, so that `--help` starts without it
    from vlbench.engine.cache.contents import portions

    cache = Options.of(options).cache
    found = portions(cache)
    if form == "json":
        answer_text(json.dumps([asdict(each) for each in found], indent=1, ensure_ascii=False))
        return
    answer_text(f"{portions_text(found, terminal_width())}\n\n")
    answer(f"{cache}: {size_text(sum(each.size for each in found))}")


@command.command("prune")
@click.option(
    "--model", "models", multiple=True, metavar="NAME[,NAME]", help="Only what is of these models alone."
)
@click.option(
    "--older-than",
    "days",
    type=Amount(min=0),
    metavar="DAYS",
    help="Only what was not used for so many days.",
)
@click.option(
    "--budget",
    type=Amount(min=0),
    metavar="GB",
    help="Only until the folder holds no more; the longest unused goes first.",
)
@click.option("--dry-run", is_flag=True, help="Remove nothing, and say what would go.")
@cache_flag
@text_or_json
def prune(
    models: tuple[str, ...],
    days: float | None,
    budget: float | None,
    dry_run: bool,  # noqa: FBT001
    form: str,
    **options: Unpack[Keywords],
) -> None:
    """Remove stored features, predictions and the like; the next run computes what it needs anew.

    What was used in the last hour and features that a process has open stay, so that no run that is under
    way breaks. Remarks on what was read, which are small, and copies of data sets stay as well. Names of
    models may hold wildcards, and stand for their rows too (`clip-b32` for `clip-b32+bf16`).
    """
    from vlbench.engine.cache.prune import prune as prune_cache

    if not models and days is None and budget is None:
        raise VlbenchError("say what may go: --older-than DAYS, --budget GB, --model NAME")
    found = prune_cache(
        Options.of(options).cache,
        models=split_names(models),
        unused_seconds=(days or 0.0) * DAY,
        budget=None if budget is None else int(budget * 1e9),
        dry_run=dry_run,
    )
    if form == "json":
        told = {
            "removed": [str(each.path) for each in found.removed],
            "removed_bytes": found.size,
            "in_use": [str(each.path) for each in found.spared],
            "left_bytes": found.left,
            "dry_run": dry_run,
        }
        answer_text(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        answer_text(pruned_text(found, dry_run=dry_run, width=terminal_width()))


@command.command("verify")
@cache_flag
@text_or_json
def verify(form: str, **options: Unpack[Keywords]) -> None:
    """Read everything and hold it against its digests; damaged files are named.

    No run reads what is damaged: it is computed anew. Exit code 1 where something is.
    """
    from vlbench.engine.cache.verify import damaged

    cache = Options.of(options).cache
    files, found = damaged(cache)
    if form == "json":
        told = [{"path": str(each.path), "bytes": each.size} for each in found]
        answer_text(json.dumps({"files": files, "damaged": told}, indent=1, ensure_ascii=False))
    for each in found if form == "text" else ():
        answer(f"{each.path}: {size_text(each.size)} of it are damaged, and read by no run")
    if found:
        raise CheckFailed(f"{cache}: {len(found)} of {files} files are damaged; deleting them frees space")
    say(f"{cache}: {files} files, none is damaged")


@command.command("merge")
@click.argument("other", type=click.Path(path_type=Path, file_okay=False))
@cache_flag
@text_or_json
def merge(other: Path, form: str, **options: Unpack[Keywords]) -> None:
    """Add what OTHER has, and the cache folder lacks; OTHER stays as it is.

    A run on the cache then goes on as if it had encoded all of it. Where both have one image's features the
    cache's own stay. Damaged features and files are left out. The same command goes on after a stop.
    """
    from vlbench.engine.cache.merge import merge as merge_cache

    cache = Options.of(options).cache
    added = merge_cache(other, cache)
    if form == "json":
        answer_text(json.dumps(added, indent=1))
        return
    parts = ", ".join(f"{size_text(each)} of {kind}" for kind, each in added.items())
    answer(f"{cache}: {parts} added" if parts else f"{cache}: has all that {other} has")
