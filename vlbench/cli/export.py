"""`vlbench export`: write results in the layouts of other tools."""

from pathlib import Path

import click

from vlbench.api.references import export_results
from vlbench.cli.flags import flag, format_flag, results_flag
from vlbench.cli.output import answer_text, say
from vlbench.core.files import write_atomically
from vlbench.report.exchange.export import Form

EXAMPLES = """\b
vlbench export --format model-index --model tiny-clip >> README.md
vlbench export --format clip_benchmark --out benchmark.csv
"""


@click.command("export", epilog=EXAMPLES)
@format_flag(
    "model-index",
    "jsonl",
    "clip_benchmark",
    required=True,
    help="Metadata of a Hugging Face model card, one JSON object per metric, or CLIP_benchmark's CSV.",
)
@results_flag
@click.option(
    "--model", "-m", "models", multiple=True, metavar="NAME", help="Models; wildcards.  [default: *]"
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file.  [default: print]")
@flag("include_path")
def command(
    form: Form, results: Path, models: tuple[str, ...], out: Path | None, include_path: tuple[Path, ...]
) -> None:
    """Write results in the layout of another tool; partial results are left out.

    The seeds of a row are exported one by one. CLIP_benchmark's CSV has the metrics that it knows, and no
    rows with a method; a note names what is left out.
    """
    text = export_results(
        form,
        results=results,
        models=models or ("*",),
        include_path=include_path,
        tell=lambda line: say(f"note: {line}"),
    )
    if out is None:
        answer_text(text, exact=True)
    else:
        write_atomically(out, text)
        say(f"written: {out}")
