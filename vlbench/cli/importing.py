"""`vlbench import`: what other projects have learned, as files and cards of vlbench."""

from pathlib import Path
from typing import Literal, TypedDict, Unpack

import click

from vlbench.cli.listing import include_option


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
    """Import what other projects have learned."""


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
    from vlbench.cards.build import DataRequest
    from vlbench.cards.catalogue import read_catalogue
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
    click.echo(f"{done.read} is now {done.context}, with its card {done.card}")
    click.echo(f"vlbench run --include-path {done.card.parent} --model {done.name} --task TASK")
