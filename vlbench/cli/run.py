"""`vlbench run`: score models on tasks and write the results."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from vlbench.cli.options import (
    allow_subset_option,
    batch_size_option,
    cache_option,
    data_root_option,
    data_roots,
    device_option,
    include_path_option,
    limit_option,
    names_in,
    precision_option,
    templates_option,
    weights_option,
    workers_option,
)

if TYPE_CHECKING:
    from vlbench.core.result import Result
    from vlbench.options import Options
    from vlbench.report.exchange.run_log import Tracker


EXAMPLES = """\b
vlbench run --model tiny-clip --task shapes,digits
vlbench run --model clip-b32 --task classification:my-photos
"""


@click.command(name="run", epilog=EXAMPLES)
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    required=True,
    metavar="NAME[,NAME]",
    envvar="VLBENCH_MODEL",
    help="Models: cards, wildcards, open_clip:ARCH/TAG, hf-hub:ORG/NAME, local-dir:PATH.",
)
@click.option(
    "--task",
    "-t",
    "tasks",
    multiple=True,
    required=True,
    metavar="NAME[,NAME]",
    envvar="VLBENCH_TASK",
    help="Tasks: cards, wildcards, classification:DIR, retrieval:DIR, tagging:DIR.",
)
@device_option
@precision_option
@batch_size_option
@workers_option
@limit_option
@allow_subset_option
@data_root_option
@click.option(
    "--verify-data",
    is_flag=True,
    envvar="VLBENCH_VERIFY_DATA",
    help="Read the bytes of all data and weights, whatever the cache remembers.",
)
@click.option(
    "--descriptions",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="VLBENCH_DESCRIPTIONS",
    help="Sentences to describe the tags by in place of prompts: JSON {tag: [sentences]}.",
)
@click.option(
    "--classnames",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="VLBENCH_CLASSNAMES",
    help="Names in place of the task's: one a line in its own order, or a .tsv of names and ids.",
)
@templates_option
@click.option(
    "--thresholds",
    metavar="FILE|NUMBER",
    envvar="VLBENCH_THRESHOLDS",
    help="Of tags, in place of the model's own.",
)
@click.option(
    "--method",
    multiple=True,
    default=("zero-shot",),
    show_default=True,
    metavar="NAME[@SHOTS][:SETTING=VALUE][,NAME]",
    envvar="VLBENCH_METHOD",
    help="What acts on the model's features or scores, a row each: zero-shot,ridge@4,best-f1.",
)
@click.option(
    "--allow-seen-images",
    is_flag=True,
    envvar="VLBENCH_ALLOW_SEEN_IMAGES",
    help="Score test images that the model or its method learned from; the result says so.",
)
@click.option(
    "--feature-gb",
    type=click.FloatRange(min=0),
    envvar="VLBENCH_FEATURE_GB",
    help="GB of image features that a task may store; above it scores are stored.  [default: 8]",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    envvar="VLBENCH_RESULTS",
    help="Where JSON and CSVs are written.",
)
@cache_option
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    envvar="VLBENCH_SEED",
    help="Of everything drawn at random.",
)
@include_path_option
@weights_option
@click.option(
    "--preprocess",
    type=click.Choice(["exact", "fast"]),
    default="exact",
    show_default=True,
    envvar="VLBENCH_PREPROCESS",
    help="exact is open_clip's to the bit; fast differs by at most 2 of 255.",
)
@click.option(
    "--save-predictions",
    is_flag=True,
    envvar="VLBENCH_SAVE_PREDICTIONS",
    help="Write per-image predictions (parquet) beside the result.",
)
@click.option(
    "--missing",
    is_flag=True,
    envvar="VLBENCH_MISSING",
    help="Leave out what --results has of the same weights, method, protocol and data.",
)
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
    feature_gb: float | None,
    trackers: "tuple[Tracker, ...]",
    **options: "Unpack[Options]",
) -> None:
    """Score models on tasks and write the results."""
    from vlbench.api import rebuild_leaderboards, run
    from vlbench.options import request_of
    from vlbench.report.exchange.run_log import run_log
    from vlbench.report.tables.summary import summary_table

    options["data_root"], options["task_roots"] = data_roots(options["data_root"])
    if feature_gb is not None:
        options["feature_bytes"] = int(feature_gb * 1e9)
    request = request_of(names_in(models), names_in(tasks), options)
    logs = [run_log(tracker) for tracker in trackers]
    results: list[Result] = []
    try:
        for result in run(request, tell=lambda line: click.echo(line, err=True)):
            if result.changes and result.model not in {each.model for each in results}:
                click.echo(f"{result.model}: {'; '.join(result.changes)}", err=True)
            results.append(result)
            for log in logs:
                log(result)
            click.echo(f"{result.model} on {result.task}: done", err=True)
            if result.seen_images:
                click.echo(
                    f"note: {result.model} on {result.task}: {result.seen_images} of {result.n_images} test "
                    "images are among those that it learned from: no zero-shot result",
                    err=True,
                )
    except KeyboardInterrupt:
        click.echo(
            "vlbench: stopped; what is encoded is stored, the same command goes on from there", err=True
        )
        sys.exit(130)
    finally:
        for note in rebuild_leaderboards(request):
            click.echo(f"note: {note}", err=True)
        if results:
            click.echo(summary_table(results))
    click.echo(f"results in {request.results}", err=True)
