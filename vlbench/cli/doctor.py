"""`vlbench doctor`: lists versions, devices, folders, access to the hub, and what is missing."""

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Unpack

import click

from vlbench.cards.availability import hub_cache_folder
from vlbench.cli.flags import flags
from vlbench.cli.output import answer_text, terminal_width
from vlbench.core.network import has_network
from vlbench.options import Keywords, Options
from vlbench.report.table import Table

EXAMPLES = """\b
vlbench doctor
vlbench doctor --data-root /data --json
"""


@click.command("doctor", epilog=EXAMPLES)
@flags("data_root", "cache")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool, **options: Unpack[Keywords]) -> None:  # noqa: FBT001
    """Say what a run would find here: versions, devices, cache, data roots, the hub, and what is missing."""
    read = Options.of(options)
    found = [*_software(), *_devices(), *_folders(read), ("hub", *_hub())]
    rows = [{"what": what, "found": here, "what to do": advice} for what, here, advice in found]
    table = Table.of(rows).text(ruled=False, width=terminal_width())
    answer_text(json.dumps(rows, indent=1) if as_json else table)


def _software() -> Iterator[tuple[str, str, str]]:
    yield "python", f"{platform.python_version()} on {platform.platform(terse=True)}", ""
    yield "vlbench", version("vlbench"), ""
    for name in ("torch", "torchvision", "open_clip_torch", "pillow", "huggingface_hub"):
        yield name, version(name), ""
    for needed in requires("vlbench") or ():
        if optional := re.match(r"([\w.-]+).* extra == ['\"]([\w-]+)", needed):
            package, extra = optional.groups()
            try:
                yield package, version(package), ""
            except PackageNotFoundError:
                yield package, "not installed", f"pip install 'vlbench[{extra}]'"


def _devices() -> Iterator[tuple[str, str, str]]:
    import torch

    yield "cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads", ""
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        yield f"cuda:{index}", f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB", ""
    if torch.cuda.device_count() == 0:
        yield "cuda", "no device that torch can use", "runs are on the CPU"


def _folders(read: Options) -> Iterator[tuple[str, str, str]]:
    yield "cache", *_folder(read.cache, made="vlbench makes it")
    yield "hub's cache", *_folder(hub_cache_folder(), made="the hub's client makes it")
    if not read.data_root:
        yield "data root", "none", "pass --data-root DIR or set VLBENCH_DATA"
    for root in read.data_root:
        yield "data root", *_folder(root, made="correct the name")


def _folder(path: Path, *, made: str) -> tuple[str, str]:
    """The folder with its free space, and what to do if it is missing or not writable."""
    if not path.is_dir():
        return f"{path}: not there", made
    wrong = "" if os.access(path, os.W_OK) else "no permission to write: name another folder"
    return f"{path}: {shutil.disk_usage(path).free / 2**30:.1f} GiB free", wrong


def _hub() -> tuple[str, str]:
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        return "not asked: HF_HUB_OFFLINE is set", "unset it to fetch weights and data"
    if not has_network():
        return f"{constants.ENDPOINT}: its name does not resolve", "what is in the caches still runs"
    return f"{constants.ENDPOINT}, {'with' if get_token() else 'without'} a token", ""
