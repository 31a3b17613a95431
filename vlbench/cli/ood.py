"""`vlbench ood`: how well a model's confidence tells one task's images from another's."""

import json
from dataclasses import asdict
from typing import Unpack

import click

from vlbench.cli.flags import flags, say
from vlbench.options import Keywords

EXAMPLES = """\b
vlbench ood tiny-clip digits shapes
vlbench ood clip-b32 imagenet texture --json
"""


@click.command("ood", epilog=EXAMPLES)
@click.argument("model")
@click.argument("task_in")
@click.argument("task_out")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@flags(
    "device",
    "executor",
    "ray_address",
    "precision",
    "workers",
    "data_root",
    "cache",
    "include_path",
    "weights",
)
def command(
    model: str,
    task_in: str,
    task_out: str,
    as_json: bool,  # noqa: FBT001
    **options: Unpack[Keywords],
) -> None:
    """Tell the images of TASK_IN from those of TASK_OUT by MODEL's confidence: the area under the ROC curve.

    An image's confidence is its highest softmax probability over the classes of TASK_IN, a classification.
    What both tasks have stored is used; only scores are computed anew.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.outlier_detection import ood

    found = ood(model, task_in, task_out, tell=say, **options)
    click.echo(json.dumps(asdict(found), indent=1) if as_json else str(found))
