"""`python -m tests.fuzz`: many damaged inputs put before vlbench, and a table of what came of them."""

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from fuzz.inputs import INPUTS  # noqa: E402
from fuzz.sweep import faults_text, shares, sweep, table  # noqa: E402


def main() -> int:
    """Judge so many cases; 1 where one of them is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=1_000, help="of all inputs together")
    parser.add_argument(
        "--input", action="append", choices=sorted(INPUTS), metavar="NAME", help="may be repeated"
    )
    asked = parser.parse_args()
    chosen = {name: each for name, each in INPUTS.items() if not asked.input or name in asked.input}
    tallies = []
    for tally in sweep(chosen, "fuzz.inputs", shares(list(chosen.values()), asked.cases), asked.seed):
        tallies.append(tally)
        print(
            faults_text([tally]) or f"{tally.input}: {tally.cases} cases, no fault",
            file=sys.stderr,
            flush=True,
        )
    print(table(tallies))
    return 1 if any(tally.faults for tally in tallies) else 0


if __name__ == "__main__":
    raise SystemExit(main())
