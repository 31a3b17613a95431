"""`vlbench retrieve`: pairs of images and captions for a task's classes, out of a pool."""

from pathlib import Path
from typing import Any

import click

from vlbench.cli.flags import ENCODING, completion, flag, flags, name_flag, number_flag
from vlbench.cli.output import answer_text, say

EXAMPLES = """\b
vlbench retrieve --task shapes-outline --pool shapes-pool --model tiny-clip --out pairs
vlbench retrieve --task imagenet --pool retrieval:LAION --model clip-b32 --k 200 --exclude imagenet-v2
"""


@click.command("retrieve", epilog=EXAMPLES)
@name_flag("--model", "model", "The model that compares: a card's name or ADAPTER:REFERENCE.")
@name_flag("--task", "task", "The task whose classes are asked for; its test images are never taken.")
@name_flag(
    "--pool",
    "task",
    "Images with captions: retrieval:DIR, a task's name, or embeddings:DIR of clip-retrieval.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pairs"),
    show_default=True,
    help="The folder that is written.",
)
@click.option(
    "--by",
    type=click.Choice(["both", "image", "text"]),
    default="both",
    show_default=True,
    help="What prompts are compared with: the images, their captions, or both.",
)
@number_flag("--k", 50, "Nearest pairs of each prompt.")
@click.option("--image-floor", type=click.FloatRange(-1, 1), help="The least cosine of prompt and image.")
@click.option("--text-floor", type=click.FloatRange(-1, 1), help="The least cosine of prompt and caption.")
@number_flag("--per-class", None, "The most pairs of a class: the best are kept.")
@click.option(
    "--exclude",
    "-x",
    multiple=True,
    metavar="TASK",
    shell_complete=completion("task"),
    help="A further task whose test images are never taken; may be repeated.",
)
@click.option(
    "--near/--no-near",
    default=True,
    show_default=True,
    help="Leave out near copies of test images and of pairs, not exact copies alone.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "webdataset"]),
    default="jsonl",
    show_default=True,
    help="Images with a metadata.jsonl, or tars.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@flag("limit", help="Use N pairs spread over the pool, or 0.1 of them.")
@flags(
    *ENCODING,
    "batch_size",
    "workers",
    "classnames",
    "templates",
    "allow_subset",
    "data_root",
    "cache",
    "include_path",
    "weights",
)
def command(model: str, task: str, pool: str, as_json: bool, **given: Any) -> None:  # noqa: FBT001
    """Take the image-text pairs of a pool that are nearest to a task's prompts, without a label.

    --out gets the images with a metadata.jsonl, which retrieval:DIR and tagging:DIR read, the prompts that
    found each image by class, and a report: pairs a class, cosines, and which images were left out as they
    are test images or there twice.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.retrieval import retrieve

    report = retrieve(model, task, pool, tell=say, **given)
    answer_text(report.as_json if as_json else str(report))
