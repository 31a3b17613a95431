"""`vlbench run`: score models on tasks and write the results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import click

from vlbench.cli.config import config_flag
from vlbench.cli.flags import Amount, batch_size_flag, flag, flags, names_flag, split_names
from vlbench.cli.output import answer_text, say
from vlbench.core.result import Result
from vlbench.options import Keywords, Options
from vlbench.report.exchange.run_log import Tracker, run_log
from vlbench.report.tables.summary import summary_table

EXAMPLES = """\b
vlbench run --model tiny-clip --task shapes,digits
vlbench run --model clip-b32 --task classification:my-photos
vlbench run --config sweep.yaml --dry-run
"""


@click.command(name="run", epilog=EXAMPLES)
@names_flag(
    "model",
    "Models: cards, wildcards, open_clip:ARCH/TAG, hf-hub:ORG/NAME, local-dir:PATH.",
    required=True,
)
@names_flag("task", "Tasks: cards, wildcards, classification:DIR, retrieval:DIR, tagging:DIR.", required=True)
@flags("device", "executor", "ray_address", "precision")
@batch_size_flag
@flags("workers", "limit", "allow_subset", "data_root", "verify_data")
@flags("descriptions", "classnames", "templates", "thresholds", "method", "allow_seen_images")
@flag(
    "feature_bytes",
    "--feature-gb",
    "feature_bytes",
    type=Amount(min=0),
    callback=lambda _, __, given: None if given is None else int(given * 1e9),
    default=None,
    show_default=False,
    envvar="VLBENCH_FEATURE_GB",
)
@flag("results", default=Path("results"), show_default=True)
@flags("cache", "seed", "include_path", "weights", "preprocess", "save_predictions", "missing", "fail_fast")
@flags("share", "score_only")
@config_flag
@click.option("--dry-run", is_flag=True, help="Run nothing; print what would be encoded and what is stored.")
@click.option(
    "--log",
    "trackers",
    multiple=True,
    type=click.Choice(["wandb", "mlflow"]),
    envvar="VLBENCH_LOG",
    help="Log every result to a tracker; may be repeated.",
)
def command(
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    trackers: tuple[Tracker, ...],
    config: str,
    dry_run: bool,  # noqa: FBT001
    **options: Unpack[Keywords],
) -> None:
    """Score models on tasks and write the results.

    What cannot run (data that are not found, weights that are damaged, a task that a model cannot do) or
    fails is told at once, the others are run, and the end lists it again.

    Exit code: 0; 1 if a part of the request was not run; 2 if nothing was, or the command is wrong.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.runs import rebuild_leaderboards, run

    read = Options.of(options)
    if dry_run:
        _dry_run(split_names(models), split_names(tasks), read)
        return
    logs = [run_log(tracker) for tracker in trackers]
    results: list[Result] = []
    try:
        for result in run(split_names(models), split_names(tasks), read, tell=say, config=config):
            if result.changes and result.model not in {each.model for each in results}:
                say(f"{result.model}: {'; '.join(result.changes)}")
            results.append(result)
            for log in logs:
                log(result)
            say(f"{result.model} on {result.task}: done")
            if result.seen_images:
                seen = f"{result.seen_images} of {result.n_images} test images are among those that it"
                say(f"note: {result.model} on {result.task}: {seen} learned from: no zero-shot result")
    finally:
        for note in rebuild_leaderboards(read):
            say(f"note: {note}")
        if results:
            answer_text(summary_table(results))
    if read.share is None:
        say(f"results in {read.results}")


def _dry_run(models: Sequence[str], tasks: Sequence[str], options: Options) -> None:
    from vlbench.api.dry_run import PlannedPass, dry_run
    from vlbench.cli.plan_text import plan_text

    passes: list[PlannedPass] = []
    try:
        passes.extend(dry_run(models, tasks, options, tell=say))
    finally:
        answer_text(plan_text(passes))
