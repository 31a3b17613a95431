"""`vlbench import`: convert what other projects have learned or measured into files of vlbench."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from vlbench.api.references import ImportedFile, System, import_scores
from vlbench.cards.catalogue import read_catalogue
from vlbench.cli.flags import flag, flags, number_flag
from vlbench.cli.output import answer, say
from vlbench.core.errors import VlbenchError
from vlbench.options import Options

EXAMPLES = """\b
vlbench import coop output/imagenet/CoOp/vit_b16_ep50_16shots/nctx16_cscFalse_ctpend/seed1 \\
    --base clip-b16 --task imagenet
"""


@click.group("import")
def command() -> None:
    """Import what other projects have learned or measured."""


@command.command("coop", epilog=EXAMPLES)
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--base", required=True, metavar="NAME", help="The model it was trained on, such as clip-b16.")
@click.option(
    "--position",
    type=click.Choice(["end", "middle", "front"]),
    help="The position of the class name.  [default: from the directory's name, else end]",
)
@click.option("--task", metavar="NAME", help="The task whose classes it was trained on.")
@click.option(
    "--classnames",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The classes, instead of --task: one per line, or a .tsv with ids as for task cards.",
)
@number_flag("--shots", None, "Images per class, for the record.")
@click.option("--seed", type=int, help="The training's seed, for the record.")
@click.option(
    "--epoch",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use model.pth.tar-N.  [default: model-best, else the newest]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.safetensors",
    help="The context file; its card is written next to it.  [default: fitted/NAME.safetensors]",
)
@click.option("--name", help="The model's name.  [default: the file's, or from base, task, shots and seed]")
@flags("data_root", "include_path", "cache")
def coop(data_root: Sequence[Path], include_path: Sequence[Path], cache: Path | None, **known: Any) -> None:
    """Convert a context that CoOp's own code learned into a context file and a model card.

    DIRECTORY is an output directory of Dassl, or the prompt_learner folder in it. Its pickles are not
    executed: only tensors are read.
    """
    from vlbench.fitting.dassl_import import ImportRequest, import_coop  # and torch

    request = ImportRequest(**known)
    if request.task is not None and request.classnames is not None:
        raise VlbenchError("--task and --classnames both name the classes; give one of them")
    # names alone are wanted of a task: its images need not be there
    data = Options.of({"data_root": data_root, "cache": cache, "allow_subset": True}).data
    done = import_coop(request, read_catalogue(include_path), data)
    if done.unchecked:
        say(f"vlbench: not held against {request.base}, whose weights are not here: {done.unchecked}")
    for change in done.changes:
        answer(f"{done.read}: {change}")
    answer(f"{done.read} is now {done.context}, with its card {done.card}")
    where = "" if request.task is None else f" but on the data of {request.task}, where it is not"
    answer(
        f"CoOp's files do not tell which images it learned from: whether it is zero-shot is unknown{where}, "
        "and no test image is held against them"
    )
    answer(f"vlbench run --include-path {done.card.parent} --model {done.name} --task TASK")


RESULTS_EXAMPLES: dict[System, str] = {
    "clip_benchmark": "vlbench import clip_benchmark result.json benchmark.csv",
    "open_clip": "vlbench import open_clip docs/openclip_classification_results.csv",
    "mteb": "vlbench import mteb results/openai__clip-vit-base-patch32/*/Imagenet1kZeroShot.json",
}


def results_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Flags: the files to import, the results folder for the scores, and folders with more cards."""
    files = click.argument(
        "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
    )
    out = flag(
        "results",
        "--out",
        "results",
        default=Path("results"),
        show_default=True,
        help="The results folder; scores are written to its folder imported.",
    )
    return files(out(flag("include_path")(command)))


@command.command("clip_benchmark", epilog=RESULTS_EXAMPLES["clip_benchmark"])
@results_flags
def clip_benchmark(**asked: Any) -> None:
    """Import results of CLIP_benchmark: JSON files of runs, or the CSV made from them.

    `vlbench leaderboard` and `vlbench verify` show them next to your results, never among them.
    """
    _import("clip_benchmark", **asked)


@command.command("open_clip", epilog=RESULTS_EXAMPLES["open_clip"])
@results_flags
def open_clip(**asked: Any) -> None:
    """Import tables in the layout of open_clip's docs/openclip_*_results.csv.

    The average that a row states is compared with the mean of its columns.
    """
    _import("open_clip", **asked)


@command.command("mteb", epilog=RESULTS_EXAMPLES["mteb"])
@results_flags
@click.option("--model", metavar="NAME", help="The model.  [default: from model_meta.json next to the file]")
def mteb(**asked: Any) -> None:
    """Import results of mteb, one JSON file per task.

    mteb uses its own templates, so its scores are shown but not compared.
    """
    _import("mteb", **asked)


def _import(system: System, files: Sequence[Path], **asked: Any) -> None:
    for file in files:
        done = import_scores(system, file, **asked)
        answer(f"{file}: {done.scores} scores are now in {done.path}; cards stand for {done.named} of them")
        if done.again:
            answer(f"{done.again} of them were imported from another file already and are listed once")
        if done.own:
            say(
                f"vlbench: {file}: {done.own} of them were exported by vlbench: our own results, "
                "which are shown and never compared"
            )
        _say_averages(done)


def _say_averages(done: ImportedFile) -> None:
    """Report on the averages that a file states, and name those that its columns contradict."""
    wrong = [each for each in done.averages if not each.agrees]
    if done.averages:
        answer(
            f"{len(done.averages) - len(wrong)} of {len(done.averages)} averages are those of their columns"
        )
    for each in wrong:
        say(f"vlbench: {each.model}: the file's average is {each.text}, that of its columns {each.mean:.4f}")
