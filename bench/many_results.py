"""CPU seconds of commands on a folder of many results, those of another checkout beside them, in turns.

    python bench/many_results.py [--models 300] [--tasks 60] [--beside CHECKOUT] [--runs 3] [--folder DIR]

Makes the results of bench/site.py, 17,421 unless told otherwise, with a cache for each side, and runs whole
processes: a stored run that adds a row (goal: 1.5 s), `leaderboard --check` and `check` behind it, and `site`
where one file has changed. The model's features are stored before, and this checkout has run each command
once. Prints CPU seconds and those by the clock; at the end all CSVs are held against those that this checkout
makes without a cache.
"""

import argparse
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from vlbench.api.additions import leaderboard_additions
from vlbench.report.tables.leaderboard import stale_leaderboards

HERE = Path(__file__).resolve().parent
COMMANDS = ("added row", "leaderboard --check", "check", "site")
RUN = ["run", "--model", "tiny-clip", "--task", "digits", "--device", "cpu"]


def main() -> None:
    """Make, run in turns, print and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--beside", type=Path, help="another checkout")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--folder", type=Path, help="where results, caches and sites stay")
    arguments = parser.parse_args()
    sides = {"here": HERE.parent} | ({"beside": arguments.beside.resolve()} if arguments.beside else {})
    with tempfile.TemporaryDirectory() as passing:
        root = (arguments.folder or Path(passing)).resolve()
        made = root / "made"
        if not made.exists():
            make = runpy.run_path(str(HERE / "site.py"))["write_made_results"]
            print(f"{make(made, arguments.models, arguments.tasks)} results")
        for side in sides:
            if not (root / side).exists():
                shutil.copytree(made, root / side / "results")
            run_command(RUN, root / side, sides[side], root / side / "few")
        for what in arguments.commands:
            measured(what, root / "here", sides["here"])
        seconds: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for turn in range(arguments.runs):
            for what in arguments.commands:
                for side, checkout in sides.items():
                    cpu, clock = measured(what, root / side, checkout)
                    seconds.setdefault((what, side), []).append((cpu, clock))
                    print(f"{turn}: {what}, {side}: {cpu:.2f} s, by the clock {clock:.2f} s", flush=True)
        for (what, side), each in seconds.items():
            cpu, clock = map(median, zip(*each, strict=True))
            print(f"{what}, {side}: medians of {len(each)}: {cpu:.2f} s, by the clock {clock:.2f} s")
        stale = stale_leaderboards(root / "here" / "results", leaderboard_additions())
        print(f"CSVs that differ from a rebuild without a cache: {', '.join(stale) or 'none'}")


def measured(what: str, root: Path, checkout: Path) -> tuple[float, float]:
    """CPU seconds of a command of a checkout on the results of a side, and those by the clock."""
    results, baseline = root / "results", root / "baseline.csv"
    command = {
        "added row": RUN,
        "leaderboard --check": ["leaderboard", "--check"],
        "check": ["check", "--baseline", str(baseline), *([] if baseline.exists() else ["--update"])],
        "site": ["site", "--out", str(root / "site")],
    }[what]
    if what == "added row":
        shutil.rmtree(results / "digits", ignore_errors=True)
    if what == "site":
        next(results.glob("class-made-00/*.json")).touch()
    return run_command(command, root, checkout, results)


def run_command(command: list[str], root: Path, checkout: Path, results: Path) -> tuple[float, float]:
    """Run a command of a checkout; its CPU seconds, and those by the clock."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(checkout), "VLBENCH_CACHE": str(root / "cache")}
    before, started = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "vlbench", *command, "--results", str(results)],
        cwd=checkout,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return cpu, time.perf_counter() - started


if __name__ == "__main__":
    main()
