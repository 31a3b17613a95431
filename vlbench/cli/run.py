"""`vlbench run`: score models on tasks and write the results."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Unpack

import click

from vlbench.api.failures import NotAllRun
from vlbench.cli.config import config_flag
from vlbench.cli.flags import ENCODING, Amount, batch_size_flag, flag, flags, names_flag
from vlbench.cli.output import answer_text, say, terminal_width
from vlbench.core.errors import VlbenchError
from vlbench.core.name_list import split_names
from vlbench.core.progress import without_bars
from vlbench.core.record import as_record
from vlbench.core.result import Result
from vlbench.core.uncollected import uncollected
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
@flags(*ENCODING)
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
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: results, those already there, and failures."
)
@click.option(
    "--verbose", "-v", is_flag=True, help="Say what each result cost, and what the hub's client says."
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but the answer and errors; show no bars.")
def command(
    models: tuple[str, ...],
    tasks: tuple[str, ...],
    trackers: tuple[Tracker, ...],
    config: str,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    verbose: bool,  # noqa: FBT001
    quiet: bool,  # noqa: FBT001
    **options: Unpack[Keywords],
) -> None:
    """Score models on tasks and write the results.

    What cannot run (data that are not found, weights that are damaged, a task that a model cannot do) or
    fails is told at once, the others are run, and the end lists it again.

    Exit code: 0; 1 if a part of the request was not run; 2 if nothing was, or the command is wrong.
    """
    with uncollected():  # what is imported stays; here, so that `--help` starts without it
        from vlbench.api.runs import rebuild_leaderboards, run

    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet contradict each other; give one of them")
    if verbose:
        os.environ["HF_HUB_VERBOSITY"] = "info"
    asked, read = (split_names(models), split_names(tasks)), Options.of(options)
    tell = _say_nothing if quiet else say
    if dry_run:
        _dry_run(asked, read, tell, as_json=as_json)
        return
    logs = [run_log(tracker) for tracker in trackers]
    found: list[Result] = []
    there: list[Result] = []
    failed: list[str] = []
    try:
        with without_bars() if quiet else nullcontext():
            for result in run(*asked, read, tell=tell, config=config, kept=there.append):
                for line in _lines(result, found, verbose=verbose):
                    tell(line)
                found.append(result)
                for log in logs:
                    log(result)
    except VlbenchError as error:
        failed += error.failed if isinstance(error, NotAllRun) else [str(error)]
        raise
    finally:
        for note in rebuild_leaderboards(read):
            if found or there:
                tell(f"note: {note}")
        if as_json:
            parts = {"results": map(as_record, found), "already_there": map(as_record, there)}
            answer_text(_json({**{name: list(each) for name, each in parts.items()}, "failed": failed}))
        elif found or there:
            answer_text(summary_table([*there, *found], terminal_width()))
    if read.share is None:
        tell(f"results in {read.results}")


def _lines(result: Result, before: Sequence[Result], *, verbose: bool) -> Iterator[str]:
    """What is said of a result after those before it."""
    pair, timing = f"{result.model} on {result.task}", result.timing
    if result.changes and result.model not in {each.model for each in before}:
        yield f"{result.model}: {'; '.join(result.changes)}"
    cost = (
        f"; {timing.images_encoded} images and {timing.texts_encoded} texts encoded in "
        f"{timing.encode_images_seconds + timing.encode_texts_seconds:.1f} s, "
        f"scored in {timing.score_seconds:.1f} s"
    )
    yield f"{pair}: done{cost if verbose else ''}"
    if result.seen_images:
        seen = f"{result.seen_images} of {result.n_images} test images are among those that it"
        yield f"note: {pair}: {seen} learned from: no zero-shot result"


def _dry_run(
    asked: tuple[Sequence[str], Sequence[str]],
    options: Options,
    tell: Callable[[str], None],
    *,
    as_json: bool,
) -> None:
    from vlbench.api.dry_run import PlannedPass, dry_run
    from vlbench.cli.plan_text import plan_text

    passes: list[PlannedPass] = []
    try:
        passes.extend(dry_run(*asked, options, tell=tell))
    finally:
        parts = {"passes": [asdict(each) for each in passes]}
        answer_text(_json(parts) if as_json else plan_text(passes, terminal_width()))


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _say_nothing(_: str) -> None:
    """What --quiet says of a line."""
