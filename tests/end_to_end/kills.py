"""Commands that are killed at random moments, and crowds of them on one cache and one results folder.

By hand, with how many of each: `PYTHONPATH=tests python tests/end_to_end/kills.py KILLS ROUNDS [SEED]`.
"""

import csv
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from child_command import Command, start
from hub_server import HubServer, hub_server
from tabulate import tabulate

MODELS = {
    "tiny-clip": "-m tiny-clip",
    "tiny-clip+bf16": "-m tiny-clip --precision bf16",
    "tiny-clip+fast": "-m tiny-clip --preprocess fast",
}
TASKS = ("shapes", "shapes-retrieval", "shapes-matching")
RUN = "run {} -t {} --device cpu --workers 2 --cache cache --results results"
BESIDE = {
    "leaderboard": "leaderboard --results results",
    "site": "site --results results --out site",
    "check": "check --results results --baseline baseline.csv --update",
}
COMMANDS = {
    "run": RUN.format(MODELS["tiny-clip"], "shapes,shapes-retrieval"),
    **BESIDE,
    "fit": "fit coop -m tiny-clip -t shapes --shots 2 --n-ctx 2 --epochs 6 --device cpu --cache cache "
    "--out fitted",
    "data get": "data get colours --data-root data --include-path cards",
}
MADE = {
    "run": ("cache", "results"),
    "leaderboard": (),
    "site": ("site",),
    "check": ("baseline.csv",),
    "fit": ("cache", "fitted"),
    "data get": ("data",),
}
"""What each makes, and what is taken away before it is tried."""
SHARDS = 40
CARD = """
title: Colours
kind: classification
protocol: plain
names: names/colours.tsv
sources: [{kind: webdataset, path: colours}, {kind: hub, repo: org/colours, layout: webdataset}]
metrics: [acc1]
primary: acc1
"""
EVERY = 0.02
"""Seconds between two looks at the CSVs of a crowd."""


@dataclass(slots=True)
class Tally:
    """What was seen of a command's kills; all but the first three have to be nothing."""

    tries: int = 0
    killed: int = 0
    left_by_kills: int = 0
    left_after: int = 0
    failed: int = 0
    differing: int = 0
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ground:
    """A folder in which every command ran undisturbed, in how many seconds, and their hub."""

    folder: Path
    url: str
    seconds: dict[str, float] = field(default_factory=dict)

    def start(self, command: str, folder: Path) -> Command:
        """A command in a process of its own."""
        own = {"HF_ENDPOINT": self.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder / "hub")}
        return start(*command.split(), folder=folder, environment={**os.environ, **own})

    def call(self, command: str, folder: Path) -> tuple[int, str]:
        """A command to its end: its exit code and what it said last."""
        done = self.start(command, folder).end()
        said = done.stderr.strip()
        return done.returncode, said.splitlines()[-1] if said else ""


@contextmanager
def prepared(folder: Path, commands: Sequence[str] = tuple(COMMANDS)) -> Iterator[Ground]:
    """Run commands undisturbed in a folder, for as long as the context lasts."""
    with hub_server() as server:
        _fill(server, folder)
        ground = Ground(folder, server.url)
        for command in commands:
            start = time.monotonic()
            code, said = ground.call(COMMANDS[command], folder)
            assert code == 0, f"{command}: {said}"
            ground.seconds[command] = time.monotonic() - start
        yield ground


def _fill(server: HubServer, folder: Path) -> None:
    random = Random(0)
    server.repositories["datasets/org/colours"] = {
        "test/nshards.txt": f"{SHARDS}\n".encode(),
        **{f"test/{shard}.tar": random.randbytes(1 << 17) for shard in range(SHARDS)},
    }
    (folder / "cards" / "tasks" / "names").mkdir(parents=True)
    (folder / "cards" / "tasks" / "colours.yaml").write_text(CARD)
    (folder / "cards" / "tasks" / "names" / "colours.tsv").write_text("name\nred\ngreen\n")


def kill(ground: Ground, command: str, times: int, random: Random) -> Tally:
    """Kill a command at random moments, give it again, and compare with what it makes undisturbed."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place) / "trial"
        for _ in range(times):
            shutil.rmtree(trial, ignore_errors=True)
            _set_up(ground, command, trial)
            started = ground.start(COMMANDS[command], trial)
            # most of the first third is the import of modules
            time.sleep(random.uniform(0.3, 1) * ground.seconds[command])
            started.process.kill()
            tally.tries += 1
            tally.killed += started.end().returncode == -signal.SIGKILL
            tally.left_by_kills += bool(leftovers(trial))
            code, said = ground.call(COMMANDS[command], trial)
            after, different = leftovers(trial), differences(ground, trial, command)
            tally.failed += code != 0
            tally.left_after += bool(after)
            tally.differing += bool(different)
            tally.said += [line for line in (said if code else "", *after, *different) if line]
    return tally


def _set_up(ground: Ground, command: str, trial: Path) -> None:
    trial.mkdir(parents=True)
    for path in ground.folder.iterdir():
        if path.name in MADE[command]:
            continue
        if path.is_dir():
            shutil.copytree(path, trial / path.name)
        else:
            shutil.copy(path, trial / path.name)
    if command == "leaderboard":
        for path in (trial / "results").glob("*.csv"):
            path.unlink()


def leftovers(folder: Path) -> list[str]:
    """Files and folders that are there for as long as something is written."""
    marks = (".vlbench-passing", ".part")
    places = (
        path for path in folder.rglob("*") if path.name.endswith(marks) or path.name.startswith("epoch-")
    )
    return sorted(str(path.relative_to(folder)) for path in places)


def differences(ground: Ground, trial: Path, command: str) -> list[str]:
    """What a command made otherwise than undisturbed."""
    names = [name for name in (*MADE[command], "results") if name != "cache"]
    found, right = (contents(folder, names) for folder in (trial, ground.folder))
    if command == "run":  # its CSVs say how long it took
        found, right = ({n: d for n, d in each.items() if n[-4:] != ".csv"} for each in (found, right))
    return sorted(name for name in {*found, *right} if found.get(name) != right.get(name))


def contents(folder: Path, names: Sequence[str]) -> dict[str, object]:
    """Files below some names in a folder, of results but the time that they took."""
    found: dict[str, object] = {}
    for name in names:
        place = folder / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                data = path.read_bytes()
                is_result = path.suffix == ".json" and name == "results"
                key = str(path.relative_to(folder))
                found[key] = json.loads(data) | {"timing": None} if is_result else data
    return found


def crowd(ground: Ground, right: dict[str, object], random: Random) -> list[str]:
    """Two to six commands at once on one cache and one results folder; the answer says what went wrong."""
    with tempfile.TemporaryDirectory() as place:
        trial = Path(place)
        shutil.copytree(ground.folder / "results", trial / "results")
        asked = {("tiny-clip", "shapes"), ("tiny-clip", "shapes-retrieval")}
        commands = []
        for number in range(random.randint(2, 6)):
            beside = random.choice([*BESIDE, *[""] * 4])
            if beside and number:
                commands.append(BESIDE[beside])
                continue
            model, tasks = random.choice([*MODELS]), random.sample(TASKS, random.randint(1, len(TASKS)))
            asked |= {(model, task) for task in tasks}
            commands.append(RUN.format(MODELS[model], ",".join(tasks)))
        wrong: list[str] = []
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(trial / "results", done, wrong))
        watch.start()
        processes = []
        for command in commands:
            processes.append(ground.start(command, trial))
            time.sleep(random.uniform(0, 0.2))
        for command, process in zip(commands, processes, strict=True):
            ended = process.end()
            if ended.returncode != 0 or "Traceback" in ended.stderr:
                wrong.append(f"{command}: exit {ended.returncode}: {ended.stderr.strip().splitlines()[-1:]}")
        done.set()
        watch.join()
        code, said = ground.call("leaderboard --results results --check", trial)
        if code:
            wrong.append(f"leaderboard --check: {said}")
        expected = {f"results/{task}/{model}.json" for model, task in asked}
        found = {n: d for n, d in contents(trial, ["results"]).items() if n.endswith(".json")}
        wrong += [f"{name} is lost" for name in expected - found.keys()]
        wrong += [f"{name} differs" for name in expected & found.keys() if found[name] != right[name]]
        return wrong + [f"{name} is left over" for name in leftovers(trial)]


def _watch(results: Path, done: threading.Event, wrong: list[str]) -> None:
    """Read the CSVs again and again, as somebody would: each is whole."""
    while not done.wait(EVERY):
        for path in results.glob("*.csv"):
            with path.open(newline="") as file:
                rows = list(csv.reader(file))
            if len(rows) < 2 or len({len(row) for row in rows}) > 1:
                wrong.append(f"{path.name} is torn")


def all_results(ground: Ground, models: Sequence[str] = tuple(MODELS)) -> dict[str, object]:
    """The results of models on every task, each model run alone."""
    with tempfile.TemporaryDirectory() as place:
        for model in models:
            assert ground.call(RUN.format(MODELS[model], ",".join(TASKS)), Path(place))[0] == 0
        return contents(Path(place), ["results"])


def main(kills: int, rounds: int, seed: int) -> int:
    """Kill and crowd so many times, and print what was seen; 1 where anything is wrong."""
    random, rows, said = Random(seed), [], []
    with tempfile.TemporaryDirectory() as place, prepared(Path(place)) as ground:
        for number, command in enumerate(COMMANDS):
            times = kills // len(COMMANDS) + (number < kills % len(COMMANDS))
            tally = kill(ground, command, times, random) if times else Tally()
            rows.append((command, tally.tries, tally.killed, tally.left_by_kills, tally.left_after))
            rows[-1] += (tally.failed, tally.differing)
            said += tally.said
            print(*rows[-1], *tally.said, file=sys.stderr, flush=True)
        heads = ("command", "kills", "before its end", "left something", "left after the next")
        print(tabulate(rows, (*heads, "failed", "differing"), tablefmt="github"), flush=True)
        right = all_results(ground) if rounds else {}
        wrong: list[str] = []
        for number in range(rounds):
            wrong += crowd(ground, right, random)
            print(f"round {number + 1}: {len(wrong)} wrong so far", file=sys.stderr, flush=True)
        print(f"{rounds} rounds of 2 to 6 processes, seed {seed}: {len(wrong)} wrong")
    print("\n".join([*said, *wrong]))
    return int(bool(said or wrong))


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    sys.exit(main(*numbers[:2], *(numbers[2:] or [0])))
