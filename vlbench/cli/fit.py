"""`vlbench fit`: learn on top of a frozen model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from vlbench.api.fit import fit_coop, fit_react
from vlbench.cli.flags import ENCODING, completion, flags, name_flag, number_flag
from vlbench.cli.output import answer, say
from vlbench.core.errors import VlbenchError
from vlbench.core.whole_number import whole_number
from vlbench.fitting.coop_recipe import RecipeOptions
from vlbench.fitting.react_recipe import AUGMENTATIONS, MODES, ReactOptions


@click.group("fit")
def command() -> None:
    """Learn a prompt context on a few images, or tune an image tower on pairs of images and captions."""


out_flag = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fitted"),
    show_default=True,
    envvar="VLBENCH_FITTED",
    help="Where what is learned and its model cards are written.",
)

EXAMPLES = """\b
vlbench fit coop --model tiny-clip --task shapes --shots 16 --seed 1,2,3
vlbench fit coop --model clip-b16 --task oxford_pets@coop --shots 1,2,4,8,16 --data-root DATA
"""


@command.command("coop", epilog=EXAMPLES)
@name_flag("--model", "model", "The frozen model: a card's name or ADAPTER:REFERENCE.")
@name_flag(
    "--task", "task", "A task whose card has a training split, or classification:FOLDER of training images."
)
@click.option("--shots", default="16", show_default=True, help="Images per class; several as 1,2,4,8,16.")
@click.option(
    "--seed", default="1", show_default=True, help="Seed for images, start and order; several as 1,2,3."
)
@number_flag("--n-ctx", 16, "Context tokens.")
@click.option("--class-specific", is_flag=True, help="One context per class instead of one for all.")
@click.option(
    "--class-token-position",
    "position",
    type=click.Choice(["end", "middle", "front"]),
    default="end",
    show_default=True,
    help="The position of the class name in the context.",
)
@click.option("--ctx-init", default="", help='Words to start from, such as "a photo of a"; they set --n-ctx.')
@number_flag("--epochs", None, "Passes over the images.  [default: the authors', by shots: 50, 100 or 200]")
@click.option(
    "--features",
    type=click.Choice(["augmented", "frozen"]),
    default="augmented",
    show_default=True,
    help="augmented: a random crop and flip of each image in each epoch; frozen: each image encoded once.",
)
@number_flag("--batch-size", 32, "Images per step.")
@click.option(
    "--classes",
    type=click.Choice(["all", "base"]),
    default="all",
    show_default=True,
    help="base: learn on the first half of the classes, for base-to-new generalisation.",
)
@out_flag
@flags(*ENCODING, "workers", "data_root", "cache", "weights", "include_path")
def coop(model: str, task: str, shots: str, seed: str, classes: str, out: Path, **given: Any) -> None:
    """Learn CoOp contexts (Zhou et al. 2022). Only the context is learned, with the authors' recipe."""
    task += "@base" if classes == "base" else ""
    recipe = {name: given.pop(name) for name in RecipeOptions.__annotations__}
    written = fit_coop(
        model,
        task,
        shots=_numbers(shots, "--shots"),
        seeds=_numbers(seed, "--seed"),
        recipe=cast("RecipeOptions", recipe),
        out=out,
        tell=say,
        **given,
    )
    for each in written:
        answer(f"{each.name}: loss {each.loss:.3f}, accuracy {each.accuracy:.3f} on its training images")
        # the images that it learned from are no test of it
        where = task if not each.tested else "classification:OTHER_IMAGES"
        answer(f"  vlbench run --include-path {out} --model {each.name} --task {where}")
        if each.tested and ":" not in task:
            say(
                f"vlbench: {each.name}: {each.tested} test images of {task} are among those that it learned "
                "from; name other images under `train` of its card"
            )


OF_REACT = """\b
vlbench fit react --model clip-b32 --pairs PAIRS --mode gated-image --validate dtd --data-root DATA
vlbench fit react --model tiny-clip --pairs PAIRS --mode locked-text --batch-size 64 --warm-up 20 --rate 1e-3
"""


@command.command("react", epilog=OF_REACT)
@name_flag("--model", "model", "The model to tune, one of open_clip: a card's name or ADAPTER:REFERENCE.")
@click.option(
    "--pairs",
    "-p",
    required=True,
    help="A folder of images with captions, or a task with captions whose training split they are.",
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    required=True,
    help="What learns: new gated blocks of the image tower, or the whole image tower.",
)
@click.option(
    "--name",
    default="",
    help="The leaderboard row; -seedN follows for each.  [default: of model, pairs and recipe]",
)
@click.option(
    "--seed", default="1", show_default=True, help="Seed for gates, order and views; several as 1,2,3."
)
@number_flag("--epochs", 32, "Passes over the pairs.")
@number_flag("--batch-size", 4096, "Pairs per step.")
@number_flag(
    "--at-once", 512, "Images of a step in memory together; the gradients are those of the whole step."
)
@click.option(
    "--rate", type=float, help="The highest learning rate.  [default: 5e-4 gated-image, 5e-5 locked-text]"
)
@number_flag("--warm-up", 5000, "Steps up to that rate.", least=0)
@click.option(
    "--weight-decay", type=float, default=0.1, show_default=True, help="Of matrices; others have none."
)
@number_flag(
    "--gated-layers", 6, "The last image layers that get a gated block; a model that has some keeps those."
)
@click.option(
    "--augmentation",
    type=click.Choice(AUGMENTATIONS),
    default="full",
    show_default=True,
    help="full: crops, flips, RandAugment, erased boxes; crop: crops and flips; none: images as they are.",
)
@click.option(
    "--validate",
    shell_complete=completion("task"),
    help="A task to score now and then; no image of the pairs.",
)
@number_flag(
    "--every",
    500,
    "Steps after which the state is kept, from which an interrupted fit goes on, and the task scored.",
)
@out_flag
@flags("device", "precision", "workers", "data_root", "cache", "weights", "include_path")
def react(model: str, pairs: str, seed: str, out: Path, **given: Any) -> None:
    """Tune an image tower on pairs, with the recipe of REACT (Liu et al. 2023). The text tower stays."""
    recipe = {name: given.pop(name) for name in ReactOptions.__annotations__}
    written = fit_react(
        model,
        pairs,
        seeds=_numbers(seed, "--seed"),
        recipe=cast("ReactOptions", recipe),
        out=out,
        tell=say,
        **given,
    )
    for each in written:
        scored = "" if each.score is None else f", {each.scored} {each.score:.4f}"
        answer(f"{each.name}: loss {each.loss:.3f}{scored}")
        answer(f"  vlbench run --include-path {out} --model {each.name} --task TASK")


def _numbers(value: str, option: str) -> Sequence[int]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    numbers = tuple(number for part in parts if (number := whole_number(part)) is not None)
    if not parts or len(numbers) < len(parts):
        raise VlbenchError(f"{option} {value!r} is neither a number nor a list of numbers such as 1,2,3")
    return numbers
