"""`vlbench sweep-prompts`: how much a score depends on the template."""

from pathlib import Path
from typing import Literal, TypedDict, Unpack

import click

from vlbench.cli.options import (
    allow_subset_option,
    cache_option,
    data_root_option,
    data_roots,
    device_option,
    include_path_option,
    limit_option,
    precision_option,
    templates_option,
    weights_option,
    workers_option,
)
from vlbench.core.contracts import Precision

EXAMPLES = """\b
vlbench sweep-prompts tiny-clip shapes
vlbench sweep-prompts clip-b32 imagenet --templates mine.txt
"""


class Arguments(TypedDict):
    """What click hands over."""

    model: str
    task: str
    templates: Path | None
    form: Literal["text", "json", "csv"]
    device: str
    precision: Precision
    workers: int | None
    limit: int | None
    allow_subset: bool
    data_root: tuple[str, ...]
    cache: Path | None
    include_path: tuple[Path, ...]
    weights: Path | None


@click.command(
    "sweep-prompts",
    epilog="\b\nvlbench sweep-prompts tiny-clip shapes\nvlbench sweep-prompts clip-b32 imagenet",
)
@click.argument("model")
@click.argument("task")
@templates_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@device_option
@precision_option
@workers_option
@limit_option
@allow_subset_option
@data_root_option
@cache_option
@include_path_option
@weights_option
def command(**arguments: Unpack[Arguments]) -> None:
    """Score MODEL on TASK by each template alone.

    Images are encoded once and stored, as by `run`; a sweep over stored images takes seconds. Prints the
    spread, the best and the worst; no leaderboard is touched.
    """
    from vlbench.api.prompt_sweep import sweep_prompts
    from vlbench.report.tables.prompt_spread import PromptSpread

    roots, task_roots = data_roots(arguments["data_root"])
    sweep = sweep_prompts(
        arguments["model"],
        arguments["task"],
        tell=lambda line: click.echo(line, err=True),
        templates=arguments["templates"],
        device=arguments["device"],
        precision=arguments["precision"],
        workers=arguments["workers"],
        limit=arguments["limit"],
        allow_subset=arguments["allow_subset"],
        data_root=roots,
        task_roots=task_roots,
        cache=arguments["cache"],
        include_path=arguments["include_path"],
        weights=arguments["weights"],
    )
    spread = PromptSpread.of(sweep.whole, sweep.single)
    say = {"text": spread.as_text, "json": spread.as_json, "csv": spread.as_csv}
    click.echo(say[arguments["form"]]().rstrip("\n"))
