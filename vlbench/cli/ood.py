"""`vlbench ood`: how well a model's confidence tells one task's images from another's."""

from pathlib import Path
from typing import TypedDict, Unpack

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

EXAMPLES = """\b
vlbench ood tiny-clip digits shapes
vlbench ood clip-b32 imagenet texture --json
"""


class Arguments(TypedDict):
    """What click hands over."""

    model: str
    task_in: str
    task_out: str
    as_json: bool
    device: str
    precision: Precision
    workers: int | None
    data_root: tuple[str, ...]
    cache: Path | None
    include_path: tuple[Path, ...]
    weights: Path | None


@click.command("ood", epilog=EXAMPLES)
@click.argument("model")
@click.argument("task_in")
@click.argument("task_out")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@device_option
@precision_option
@workers_option
@data_root_option
@cache_option
@include_path_option
@weights_option
def command(**arguments: Unpack[Arguments]) -> None:
    """Tell the images of TASK_IN from those of TASK_OUT by MODEL's confidence: the area under the ROC curve.

    An image's confidence is its highest softmax probability over the classes of TASK_IN, a classification.
    What both tasks have stored is used; only scores are computed anew.
    """
    import json
    from dataclasses import asdict

    from vlbench.api.outlier_detection import ood

    roots, task_roots = data_roots(arguments["data_root"])
    found = ood(
        arguments["model"],
        arguments["task_in"],
        arguments["task_out"],
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
    click.echo(json.dumps(asdict(found), indent=1) if arguments["as_json"] else str(found))
