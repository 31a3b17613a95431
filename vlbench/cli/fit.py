"""`vlbench fit`: learn on top of a frozen model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import click

from vlbench.cli.options import (
    cache_option,
    data_root_option,
    data_roots,
    device_option,
    include_path_option,
    precision_option,
    weights_option,
    workers_option,
)
from vlbench.core.contracts import Precision
from vlbench.core.errors import VlbenchError


class Arguments(TypedDict):
    """What click hands over."""

    model: str
    task: str
    shots: str
    seed: str
    n_ctx: int
    class_specific: bool
    class_token_position: Literal["end", "middle", "front"]
    ctx_init: str
    epochs: int | None
    features: Literal["augmented", "frozen"]
    batch_size: int
    classes: Literal["all", "base"]
    out: Path
    device: str
    precision: Precision
    workers: int | None
    data_root: tuple[str, ...]
    cache: Path | None
    include_path: tuple[Path, ...]
    weights: Path | None


@click.group("fit")
def command() -> None:
    """Learn a prompt context on a few images of a task's training split."""


EXAMPLES = """\b
vlbench fit coop --model tiny-clip --task shapes --shots 16 --seed 1,2,3
vlbench fit coop --model clip-b16 --task oxford_pets@coop --shots 1,2,4,8,16 --data-root DATA
"""


@command.command("coop", epilog=EXAMPLES)
@click.option("--model", "-m", required=True, help="The frozen model: a card's name or ADAPTER:REFERENCE.")
@click.option(
    "--task",
    "-t",
    required=True,
    help="A task whose card has a training split, or classification:FOLDER of training images.",
)
@click.option("--shots", default="16", show_default=True, help="Images a class; several as 1,2,4,8,16.")
@click.option(
    "--seed", default="1", show_default=True, help="Of sampling, start and order; several as 1,2,3."
)
@click.option("--n-ctx", type=click.IntRange(min=1), default=16, show_default=True, help="Context tokens.")
@click.option("--class-specific", is_flag=True, help="A context for each class instead of one for all.")
@click.option(
    "--class-token-position",
    type=click.Choice(["end", "middle", "front"]),
    default="end",
    show_default=True,
    help="Where the class name stands among the context.",
)
@click.option("--ctx-init", default="", help='Words to start from, such as "a photo of a"; they set --n-ctx.')
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the images; by shots as the authors have it unless given: 50, 100 or 200.",
)
@click.option(
    "--features",
    type=click.Choice(["augmented", "frozen"]),
    default="augmented",
    show_default=True,
    help="augmented: a random crop and flip of each image in each epoch; frozen: each image encoded once.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Images a step."
)
@click.option(
    "--classes",
    type=click.Choice(["all", "base"]),
    default="all",
    show_default=True,
    help="base: learn on the first half of the classes, for base-to-new generalisation.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fitted"),
    show_default=True,
    envvar="VLBENCH_FITTED",
    help="Where contexts and their model cards go.",
)
@device_option
@precision_option
@workers_option
@data_root_option
@cache_option
@weights_option
@include_path_option
def coop(**arguments: Unpack[Arguments]) -> None:
    """Learn CoOp contexts (Zhou et al. 2022): only the context is learned, by the authors' recipe."""
    from vlbench.api import fit_coop

    roots, task_roots = data_roots(arguments["data_root"])
    task = arguments["task"] + ("@base" if arguments["classes"] == "base" else "")
    written = fit_coop(
        arguments["model"],
        task,
        shots=_numbers(arguments["shots"], "--shots"),
        seeds=_numbers(arguments["seed"], "--seed"),
        recipe={
            "n_ctx": arguments["n_ctx"],
            "class_specific": arguments["class_specific"],
            "position": arguments["class_token_position"],
            "ctx_init": arguments["ctx_init"],
            "features": arguments["features"],
            "batch_size": arguments["batch_size"],
            **({"epochs": arguments["epochs"]} if arguments["epochs"] is not None else {}),
        },
        out=arguments["out"],
        tell=lambda line: click.echo(line, err=True),
        device=arguments["device"],
        precision=arguments["precision"],
        workers=arguments["workers"],
        data_root=roots,
        task_roots=task_roots,
        cache=arguments["cache"],
        include_path=arguments["include_path"],
        weights=arguments["weights"],
    )
    for each in written:
        click.echo(f"{each.name}: loss {each.loss:.3f}, accuracy {each.accuracy:.3f} on its training images")
        # the images that it learned from are no test of it
        where = task if not each.tested else "classification:OTHER_IMAGES"
        click.echo(f"  vlbench run --include-path {arguments['out']} --model {each.name} --task {where}")
        if each.tested and ":" not in task:
            click.echo(
                f"vlbench: {each.name}: {each.tested} test images of {task} are among those that it learned "
                "from; name other images under `train` of its card",
                err=True,
            )


def _numbers(value: str, option: str) -> Sequence[int]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise VlbenchError(f"{option} {value!r} is no number and no list of numbers such as 1,2,3")
    return tuple(int(part) for part in parts)
