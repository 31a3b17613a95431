"""`vlbench tag`: the tags and captions of the user's own images."""

import sys
from pathlib import Path
from typing import Literal, TypedDict, Unpack

import click

from vlbench.cli.options import (
    batch_size_option,
    cache_option,
    device_option,
    include_path_option,
    precision_option,
    weights_option,
)
from vlbench.core.contracts import Precision
from vlbench.core.errors import CheckFailed, VlbenchError

LOWEST_THRESHOLD = -1
"""Of a cosine; taggers state probabilities."""


class Arguments(TypedDict):
    """What click hands over."""

    images: tuple[str, ...]
    model: str
    tags: Path | None
    descriptions: Path | None
    threshold: float | Path | Literal["auto"] | None
    top_k: int | None
    caption: bool
    guide: str | None
    language: Literal["en", "zh"]
    form: Literal["text", "json", "csv"]
    device: str
    precision: Precision
    batch_size: int | None
    weights: Path | None
    include_path: tuple[Path, ...]
    cache: Path | None


def threshold_asked(
    _: click.Context, __: click.Parameter, value: str | None
) -> float | Path | Literal["auto"] | None:
    """Read --threshold: a number, a file with one for each tag, or the word auto.

    It raises VlbenchError where the value is none of these.
    """
    if value is None or value == "auto":
        return "auto" if value else None
    try:
        number = float(value)
    except ValueError:
        if Path(value).is_file():
            return Path(value)
        number = LOWEST_THRESHOLD - 1
    if not number >= LOWEST_THRESHOLD:
        raise VlbenchError(
            f"--threshold {value!r} is neither auto nor a number of {LOWEST_THRESHOLD} or more nor a file"
        )
    return number


EXAMPLES = """\b
vlbench tag photos/ --model ram-plus --language zh
vlbench tag 'photos/**/*.jpg' --model clip-b16 --tags tags.txt --top-k 3 --format json
vlbench tag photos/ --model tag2text --weights tag2text_swin_14m.pth --caption --guide "dog, grass"
"""


@click.command("tag", epilog=EXAMPLES)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--model", "-m", required=True, help="A card's name or ADAPTER:REFERENCE.")
@click.option(
    "--tags",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tags, one a line, or a .tsv of `name` and ids.  [default: the model's own list]",
)
@click.option(
    "--descriptions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Sentences for each tag (JSON), as `vlbench describe` writes them.",
)
@click.option(
    "--threshold",
    callback=threshold_asked,
    metavar="auto|NUMBER|FILE",
    help="Give tags above it, or above its own in a file: a probability of taggers, a cosine of dual "
    "encoders; auto is the model's own.  [default: auto, or --top-k 5 where the model has none]",
)
@click.option("--top-k", type=click.IntRange(min=1), help="Give the best K, or at most K above --threshold.")
@click.option(
    "--caption",
    is_flag=True,
    help="Write a caption too, of a model that can (tag2text; needs vlbench[transformers]).",
)
@click.option(
    "--guide",
    metavar="TAG,TAG",
    help="Tags that lead every caption.  [default: those that are given of the image]",
)
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the tags' names."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="json: a line for each image, {path, caption, tags: [{name, score, id}]}; csv: a row for each tag.",
)
@device_option
@precision_option
@batch_size_option
@weights_option
@include_path_option
@cache_option
def command(**arguments: Unpack[Arguments]) -> None:
    """Print the tags (and captions) of images: files, folders with all below them, wildcards.

    An image that cannot be read is named on stderr, the rest are tagged, and the exit code is 1.
    """
    from vlbench.options import request_of
    from vlbench.tagging.answer import BrokenImage, head_lines, image_lines
    from vlbench.tagging.captions import caption_request
    from vlbench.tagging.job import TagRequest, prepare

    request = request_of(
        arguments["model"],
        (),
        {
            "device": arguments["device"],
            "precision": arguments["precision"],
            "batch_size": arguments["batch_size"],
            "cache": arguments["cache"],
            "include_path": arguments["include_path"],
            "weights": arguments["weights"],
        },
    )
    job = prepare(
        TagRequest(
            images=arguments["images"],
            model=arguments["model"],
            settings=request.settings,
            tags=arguments["tags"],
            descriptions=arguments["descriptions"],
            threshold=arguments["threshold"],
            top_k=arguments["top_k"],
            captions=caption_request(arguments["caption"], arguments["guide"]),
            language=arguments["language"],
            include=request.include,
            weights=request.weights,
            cache=request.cache,
        )
    )
    for remark in job.remarks:
        click.echo(remark, err=True)
    from tqdm import tqdm

    from vlbench.tagging.stream import tag_images

    broken = 0
    try:
        for line in head_lines(arguments["form"], captions=arguments["caption"]):
            click.echo(line)
        for answer in tag_images(job):
            with tqdm.external_write_mode():  # takes the progress bar away while a line is printed
                if isinstance(answer, BrokenImage):
                    broken += 1
                    click.echo(f"vlbench: {answer.reason}", err=True)
                    continue
                for line in image_lines(answer, arguments["form"]):
                    click.echo(line)
    except KeyboardInterrupt:
        click.echo("vlbench: stopped", err=True)
        sys.exit(130)
    if job.decoding:
        click.echo(f"decoded {job.decoding}", err=True)
    if broken:
        raise CheckFailed(f"{broken} of {len(job.images)} images cannot be read; they are named above")
