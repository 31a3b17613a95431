"""`vlbench export`: results in the layouts of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from vlbench.cli.options import include_path_option, results_option

if TYPE_CHECKING:
    from vlbench.report.exchange.export import Form

EXAMPLES = """\b
vlbench export --format model-index --model tiny-clip >> README.md
vlbench export --format clip_benchmark --out benchmark.csv
"""


class Arguments(TypedDict):
    """What click hands over."""

    form: "Form"
    results: Path
    models: tuple[str, ...]
    out: Path | None
    include_path: tuple[Path, ...]


@click.command("export", epilog=EXAMPLES)
@click.option(
    "--format",
    "form",
    type=click.Choice(["model-index", "jsonl", "clip_benchmark"]),
    required=True,
    help="Metadata of a Hugging Face model card, a JSON object a metric, or CLIP_benchmark's CSV.",
)
@results_option
@click.option(
    "--model", "-m", "models", multiple=True, metavar="NAME", help="Models; wildcards.  [default: *]"
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file.  [default: print]")
@include_path_option
def command(**arguments: Unpack[Arguments]) -> None:
    """Write results in the layout of another tool; partial results are left out.

    Seeds of a row are exported one by one. CLIP_benchmark's CSV holds the metrics that it knows, and no rows
    of a method; a note names what is left out.
    """
    from vlbench.api.references import export_results
    from vlbench.core.files import write_atomically

    text = export_results(
        arguments["form"],
        results=arguments["results"],
        models=arguments["models"] or ("*",),
        include_path=arguments["include_path"],
        tell=lambda line: click.echo(f"note: {line}", err=True),
    )
    if arguments["out"] is None:
        click.echo(text, nl=False)
    else:
        write_atomically(arguments["out"], text)
        click.echo(f"written: {arguments['out']}", err=True)
