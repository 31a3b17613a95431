"""`vlbench ood`: how well a model's confidence separates the images of two tasks."""

import json
from dataclasses import asdict
from typing import Unpack

import click

from vlbench.cli.flags import ENCODING, completion, flags
from vlbench.cli.output import answer, answer_text, say
from vlbench.options import Keywords

EXAMPLES = """\b
vlbench ood tiny-clip digits shapes
vlbench ood clip-b32 imagenet texture --json
"""


@click.command("ood", epilog=EXAMPLES)
@click.argument("model", shell_complete=completion("model"))
@click.argument("task_in", shell_complete=completion("task"))
@click.argument("task_out", shell_complete=completion("task"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@flags(
    *ENCODING,
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
    """Separate the images of TASK_IN and TASK_OUT by MODEL's confidence: the area under the ROC curve.

    An image's confidence is its highest softmax probability over the classes of TASK_IN, which is a
    classification. Stored features of both tasks are used; only scores are computed again.
    """
    # imported here, so that `--help` starts without it
    from vlbench.api.outlier_detection import ood

    found = ood(model, task_in, task_out, tell=say, **options)
    if as_json:
        answer_text(json.dumps(asdict(found), indent=1))
    else:
        answer(str(found))
