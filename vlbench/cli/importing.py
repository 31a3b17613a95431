"""`vlbench import`: what other projects have learned or measured, as files of vlbench."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import click

from vlbench.cli.listing import include_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vlbench.api.references import Imported, System


class Arguments(TypedDict):
    """What click hands over."""

    directory: Path
    base: str
    position: Literal["end", "middle", "front"] | None
    task: str | None
    classnames: Path | None
    shots: int | None
    seed: int | None
    epoch: int | None
    out: Path | None
    name: str | None
    data_root: tuple[Path, ...]
    include: tuple[Path, ...]
    cache: Path | None


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
    help="Where the class's name stands.  [default: what the directory's name says, else end]",
)
@click.option("--task", metavar="NAME", help="The task whose classes it was trained on.")
@click.option(
    "--classnames",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The classes in place of --task: one a line, or a .tsv with ids as task cards have.",
)
@click.option("--shots", type=click.IntRange(min=1), help="Images a class, for the record.")
@click.option("--seed", type=int, help="The training's seed, for the record.")
@click.option(
    "--epoch",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take model.pth.tar-N.  [default: model-best, else the newest]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.safetensors",
    help="The context file; its card lies beside it.  [default: fitted/NAME.safetensors]",
)
@click.option(
    "--name", help="The model's name.  [default: the file's, or made of base, task, shots and seed]"
)
@click.option(
    "--data-root",
    multiple=True,
    type=click.Path(path_type=Path),
    envvar="VLBENCH_DATA",
    help="A folder that holds data sets, for a task whose names lie with its data.",
)
@include_option
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VLBENCH_CACHE",
    help="Where digests are remembered.  [default: ~/.cache/vlbench]",
)
def coop(**arguments: Unpack[Arguments]) -> None:
    """Make a context that CoOp's own code learned a context file and a model card.

    DIRECTORY is an output directory of Dassl or the prompt_learner folder in it. Its pickles are not
    run: only tensors are read.
    """
    from vlbench.cards.catalogue import read_catalogue
    from vlbench.cards.data_request import DataRequest
    from vlbench.core.errors import VlbenchError
    from vlbench.core.files import default_cache
    from vlbench.fitting.dassl_import import ImportRequest, import_coop

    if arguments["task"] is not None and arguments["classnames"] is not None:
        raise VlbenchError("--task and --classnames both name the classes; give one of them")
    catalogue = read_catalogue(arguments["include"])
    cache = arguments["cache"] or default_cache()
    # names alone are wanted of a task: its images need not be there
    data = DataRequest(roots=arguments["data_root"], cache=cache, allow_subset=True)
    request = ImportRequest(
        directory=arguments["directory"],
        base=arguments["base"],
        position=arguments["position"],
        task=arguments["task"],
        classnames=arguments["classnames"],
        shots=arguments["shots"],
        seed=arguments["seed"],
        epoch=arguments["epoch"],
        out=arguments["out"],
        name=arguments["name"],
    )
    done = import_coop(request, catalogue, data)
    if done.unchecked:
        click.echo(
            f"vlbench: not held against {request.base}, whose weights are not here: {done.unchecked}",
            err=True,
        )
    for change in done.changes:
        click.echo(f"{done.read}: {change}")
    click.echo(f"{done.read} is now {done.context}, with its card {done.card}")
    where = "" if request.task is None else f" but on the data of {request.task}, where it is not"
    click.echo(
        f"CoOp's files do not tell which images it learned from: whether it is zero-shot is unknown{where}, "
        "and no test image is held against them"
    )
    click.echo(f"vlbench run --include-path {done.card.parent} --model {done.name} --task TASK")


RESULTS_EXAMPLES: "dict[System, str]" = {
    "clip_benchmark": "vlbench import clip_benchmark result.json benchmark.csv",
    "open_clip": "vlbench import open_clip docs/openclip_classification_results.csv",
    "mteb": "vlbench import mteb results/openai__clip-vit-base-patch32/*/Imagenet1kZeroShot.json",
}


def results_options(command: "Callable[..., None]") -> "Callable[..., None]":
    """The files to import, the results folder that takes them, and folders with more cards."""
    files = click.argument(
        "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
    )
    out = click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("results"),
        show_default=True,
        envvar="VLBENCH_RESULTS",
        help="The results folder; the scores go to its folder imported.",
    )
    return files(out(include_option(command)))


@command.command("clip_benchmark", epilog=RESULTS_EXAMPLES["clip_benchmark"])
@results_options
def clip_benchmark(files: "Sequence[Path]", out: Path, include: "Sequence[Path]") -> None:
    """Read results of CLIP_benchmark, marked as its own: JSON files of runs, or the CSV made of them.

    `vlbench leaderboard` and `vlbench verify` show them beside the results here, never among them.
    """
    _import("clip_benchmark", files, out, include)


@command.command("open_clip", epilog=RESULTS_EXAMPLES["open_clip"])
@results_options
def open_clip(files: "Sequence[Path]", out: Path, include: "Sequence[Path]") -> None:
    """Read tables in the layout of open_clip's docs/openclip_*_results.csv, marked as its own.

    The average that a row states is held against the mean of its columns.
    """
    _import("open_clip", files, out, include)


@command.command("mteb", epilog=RESULTS_EXAMPLES["mteb"])
@results_options
@click.option(
    "--model", metavar="NAME", help="The model.  [default: what model_meta.json beside a file says]"
)
def mteb(files: "Sequence[Path]", out: Path, include: "Sequence[Path]", model: str | None) -> None:
    """Read results of mteb, marked as its own: a JSON file a task.

    mteb asks with templates of its own, so that its scores are shown and never compared.
    """
    _import("mteb", files, out, include, model)


def _import(
    system: "System",
    files: "Sequence[Path]",
    out: Path,
    include: "Sequence[Path]",
    model: str | None = None,
) -> None:
    from vlbench.api.references import import_scores

    for file in files:
        done = import_scores(system, file, results=out, model=model, include_path=include)
        click.echo(
            f"{file}: {done.scores} scores are now in {done.path}; cards stand for {done.named} of them"
        )
        if done.again:
            click.echo(f"{done.again} of them were imported from another file already and are listed once")
        if done.own:
            click.echo(
                f"vlbench: {file}: {done.own} of them were exported by vlbench: our own results, "
                "which are shown and never compared",
                err=True,
            )
        _say_averages(done)


def _say_averages(done: "Imported") -> None:
    """What came of the averages that the file states; those that its columns contradict are named."""
    wrong = [each for each in done.averages if not each.agrees]
    if done.averages:
        click.echo(
            f"{len(done.averages) - len(wrong)} of {len(done.averages)} averages are those of their columns"
        )
    for each in wrong:
        click.echo(
            f"vlbench: {each.model}: the file's average is {each.text}, that of its columns {each.mean:.4f}",
            err=True,
        )
