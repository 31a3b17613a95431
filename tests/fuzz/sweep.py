"""All cases of many inputs, judged in processes of their own, so that one that dies is a finding too."""

import faulthandler
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from fuzz.harness import FAULTS, Input, Limits, Outcome, Verdict, outcomes
from fuzz.watch import CHECKOUT
from tabulate import tabulate

MOST_ABORTS = 20
"""After so many deaths of its process an input is given up."""
WARM_UP = 20.0
"""Seconds that an input's good files may take."""
HUNG = "Timeout ("
"""What faulthandler says before the stack at which a process hung."""
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "OMP_WAIT_POLICY": "passive",
}


@dataclass(slots=True)
class Tally:
    """What came of an input's cases; `faults` holds each kind of fault once, by what was raised and where."""

    input: str
    cases: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    faults: dict[tuple[Verdict, str], list[Outcome]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.cases += 1
        self.verdicts[outcome.verdict] += 1
        if outcome.verdict in FAULTS:
            kind = outcome.what.partition(": ")[0] if outcome.verdict == "traceback" else outcome.what
            self.faults.setdefault((outcome.verdict, kind), []).append(outcome)


def shares(inputs: Sequence[Input], cases: int) -> dict[str, int]:
    """How many of so many cases each input gets."""
    whole = sum(each.share for each in inputs)
    return {each.name: max(1, round(cases * each.share / whole)) for each in inputs}


def sweep(
    inputs: Mapping[str, Input],
    registry: str,
    wanted: Mapping[str, int],
    seed: int,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
) -> Iterator[Tally]:
    """Judge so many cases of each input; `registry` is the module whose INPUTS a process finds them in."""
    for name in wanted:
        if name not in inputs:
            raise KeyError(name)
    pending = dict(wanted)
    tallies = {name: Tally(name) for name in wanted}
    deaths: Counter[str] = Counter()
    while pending:
        plan = [(name, tallies[name].cases, count) for name, count in pending.items()]
        for name, outcome in _process(registry, plan, seed, limits):
            if outcome is None:  # all of its cases are done
                del pending[name]
                yield tallies[name]
                continue
            tallies[name].add(outcome)
            if outcome.verdict == "abort" or outcome.what.startswith("exit "):
                deaths[name] += 1
                if deaths[name] == MOST_ABORTS or tallies[name].cases >= wanted[name]:
                    del pending[name]
                    yield tallies[name]


def _process(
    registry: str, plan: Sequence[tuple[str, int, int]], seed: int, limits: Limits
) -> Iterator[tuple[str, Outcome | None]]:
    """What a process says of its cases, and of the one at which it died."""
    asked = json.dumps({"plan": plan, "seed": seed, "limits": asdict(limits)})
    name, case = plan[0][0], plan[0][1]
    with (
        tempfile.TemporaryDirectory(prefix="vlbench-fuzz-", ignore_cleanup_errors=True) as home,
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [sys.executable, "-m", "fuzz.sweep", registry, asked],
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(home),
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if "started" in told:
                name, case = told["started"], told["case"]
            elif "done" in told:
                yield told["done"], None
            else:
                yield name, Outcome(**told)
                case = told["case"] + 1
        if process.wait() == 0:
            return
        said.seek(0)
        last = said.read().decode("utf-8", "replace").strip()
    hung = HUNG in last
    if process.returncode == 1 and not hung:
        raise RuntimeError(last)  # the harness's own mistake
    line = last.partition(HUNG)[2] if hung else next(iter(last.splitlines()), "")
    yield name, Outcome(case, "hang" if hung else "abort", f"exit {process.returncode}: {line[:300]}")


def _environment(home: str) -> dict[str, str]:
    """The variables of a process: nothing that this user set for vlbench, and a home of its own."""
    paths = os.pathsep.join([str(CHECKOUT / "tests"), str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VLBENCH_", "HF_"))}
    places = {"HOME": home, "TMPDIR": home, "HF_HOME": str(Path(home) / "hf"), "PYTHONPATH": paths}
    return {**kept, **ENVIRONMENT, **places}


def work(inputs: Mapping[str, Input], asked: Mapping[str, Any], out: IO[str]) -> None:
    """Judge the cases of a plan, telling of each at once, for the next may be the last."""
    limits = Limits(**asked["limits"])
    for name, first, last in asked["plan"]:
        out.write(json.dumps({"started": name, "case": first}) + "\n")
        out.flush()
        with tempfile.TemporaryDirectory() as base:
            found = outcomes(inputs[name], asked["seed"], range(first, last), Path(base).resolve(), limits)
            while True:
                # a loop in C hears no alarm; the first case waits for what its door imports
                faulthandler.dump_traceback_later(3 * max(limits.seconds, WARM_UP), exit=True)
                outcome = next(found, None)
                faulthandler.cancel_dump_traceback_later()
                if outcome is None:
                    break
                what = outcome.what if outcome.verdict in FAULTS else ""
                out.write(json.dumps(asdict(outcome) | {"what": what}) + "\n")
                out.flush()
        out.write(json.dumps({"done": name}) + "\n")
        out.flush()


def table(tallies: Sequence[Tally]) -> str:
    """A row an input: cases, how many were refused and accepted, and each kind of fault."""
    columns: tuple[Verdict, ...] = ("refused", "accepted", *FAULTS)
    rows = [[each.input, each.cases, *(each.verdicts[column] for column in columns)] for each in tallies]
    sums = [sum(int(row[at]) for row in rows) for at in range(1, len(columns) + 2)]
    return tabulate([*rows, ["all", *sums]], headers=["input", "cases", *columns])


def faults_text(tallies: Sequence[Tally]) -> str:
    """Each kind of fault once: input, how often, the first case, and what was raised or reached."""
    return "\n".join(
        f"{tally.input}: {verdict}, {len(found)} x, case {found[0].case}: {found[0].what}"
        for tally in tallies
        for (verdict, _), found in sorted(tally.faults.items(), key=lambda each: -len(each[1]))
    )


if __name__ == "__main__":
    import importlib

    # whatever prints, the parent reads lines of ours alone
    _out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    work(importlib.import_module(sys.argv[1]).INPUTS, json.loads(sys.argv[2]), _out)
