"""`vlbench tag`: tags and captions for the user's own images."""

import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Unpack

import click
from tqdm import tqdm

from vlbench.cards.catalogue import read_catalogue
from vlbench.cli.flags import ENCODING, batch_size_flag, flag, flags, format_flag, name_flag, number_flag
from vlbench.cli.output import answer, answer_text, say
from vlbench.core.errors import CheckFailed, VlbenchError
from vlbench.options import Keywords, Options
from vlbench.tagging.answer import BrokenImage, Format, head_lines, image_lines
from vlbench.tagging.captions import caption_guide
from vlbench.tagging.choice import Threshold
from vlbench.tagging.texts import Language

LOWEST_THRESHOLD = -1
"""The lowest threshold for cosines; taggers use probabilities."""


def threshold_asked(_: click.Context, __: click.Parameter, value: str | None) -> Threshold:
    """Read --threshold: a number, a file with one for each tag, or the word auto.

    Raises VlbenchError for any other value.
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
@name_flag("--model", "model", "A card's name or ADAPTER:REFERENCE.")
@click.option(
    "--tags",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tags, one per line, or a .tsv of `name` and ids.  [default: the model's own list]",
)
@flag("descriptions", help="Sentences for each tag (JSON), as `vlbench describe` writes them.")
@click.option(
    "--threshold",
    callback=threshold_asked,
    metavar="auto|NUMBER|FILE",
    help="Choose tags above it, or a file with one per tag: a probability for taggers, a cosine for dual "
    "encoders; auto is the model's own.  [default: auto, or --top-k 5 where the model has none]",
)
@number_flag("--top-k", None, "Choose the best K tags, or at most K above --threshold.")
@click.option(
    "--caption",
    is_flag=True,
    help="Also write a caption, if the model can (tag2text; needs vlbench[transformers]).",
)
@click.option(
    "--guide",
    metavar="TAG,TAG",
    help="Tags that guide every caption.  [default: the tags chosen for the image]",
)
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of tag names.",
)
@format_flag(
    "text",
    "json",
    "csv",
    help="json: one line per image, {path, caption, tags: [{name, score, id}]}; csv: one row per tag.",
)
@flags(*ENCODING)
@batch_size_flag
@flags("weights", "include_path", "cache")
def command(
    images: tuple[str, ...],
    model: str,
    tags: Path | None,
    threshold: Threshold,
    top_k: int | None,
    caption: bool,  # noqa: FBT001
    guide: str | None,
    language: Language,
    form: Format,
    **options: Unpack[Keywords],
) -> None:
    """Print the tags (and captions) of images: files, folders with all files below them, wildcards.

    An image that cannot be read is named on stderr, the others are tagged, and the exit code is 1.
    """
    from vlbench.engine.executors.pool import Pool  # and torch
    from vlbench.tagging.job import prepare
    from vlbench.tagging.stream import tag_images

    read = Options.of(options)
    broken = 0
    try:
        with closing(Pool(read.settings, say)) as pool:
            job = prepare(
                images,
                model,
                read_catalogue(read.include_path),
                pool,
                tags=tags,
                descriptions=read.descriptions,
                threshold=threshold,
                top_k=top_k,
                caption=caption,
                guide=caption_guide(guide, asked=caption),
                language=language,
                weights=read.weights,
            )
            for remark in (*pool.settings.said, *job.remarks):
                say(remark)
            for line in head_lines(form, captions=caption):
                answer_text(line, exact=True)
            for found in tag_images(job):
                with tqdm.external_write_mode():  # takes the progress bar away while a line is printed
                    if isinstance(found, BrokenImage):
                        broken += 1
                        say(f"vlbench: {found.reason}")
                        continue
                    for line in image_lines(found, form):
                        answer_text(line, exact=True) if form == "csv" else answer(line)
    except KeyboardInterrupt as stop:
        say("vlbench: stopped")
        sys.exit(128 + (stop.args[0] if stop.args else signal.SIGINT))
    if job.decoding:
        say(f"decoded {job.decoding}")
    if broken:
        raise CheckFailed(f"{broken} of {len(job.images)} images cannot be read; they are named above")
