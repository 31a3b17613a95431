"""How far one driver goes: rows a second that it takes, what N workers lose of N times one, what deaths cost.

Workers sleep for a stated time in place of a forward, so that two cores can show it; they import no torch.
`model` is arithmetic on what was measured, for cards that are not here.

python bench/scale.py driver                          rows a second, workers that answer at once
python bench/scale.py efficiency --workers 1,2,4,8,16 --seconds 0.1
python bench/scale.py deaths --workers 8 --every 3    kill -9 of a worker every three seconds
python bench/scale.py model --rows 40000              what saturates first, for 50k, 1M and 100M images
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from vlbench.core.contracts import Dataset, Example, Identity, Placement, Target
from vlbench.core.dataset import Examples
from vlbench.engine.chunk import Encoded, Reduction
from vlbench.engine.executors.order import Work
from vlbench.engine.executors.place import About
from vlbench.engine.executors.pool import Pool
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.image_pass import ImagePass, Sink
from vlbench.engine.settings import RunSettings

ROWS, WIDTH = 64, 512
"""Images in a chunk, and numbers in a row."""
WARM = 2
"""Chunks a worker that are not timed."""


class Sleeper:
    """A worker whose forward takes a stated time, and no processor."""

    seconds = 0.0

    def __init__(self, *_: object) -> None:
        self.turn = threading.Lock()
        self.features = np.ones((ROWS, WIDTH), dtype=np.float32)

    def about(self) -> About:
        assert "torch" not in sys.modules
        return About("here", os.getpid(), "sleeper", "sleeper")

    def encode(self, work: bytes, *_: object) -> Encoded:
        with self.turn:
            time.sleep(self.seconds)
        asked = Work.of(work)
        places = tuple(sorted(asked.wanted or ()))
        keys = tuple(asked.chunk.keys[place - asked.chunk.start] for place in places)
        return Encoded(keys, places, keys, (self.features[: len(places)],))


@dataclass(frozen=True)
class Nothing:
    """A checkpoint of which nothing is loaded."""

    name: str = "nothing"
    adapter: str = "nothing"
    capabilities: frozenset[str] = frozenset()
    preprocess_mode = "exact"

    def identify(self) -> Identity:
        return Identity("", "", "nothing")

    def load(self, placement: Placement) -> object:
        raise NotImplementedError


@dataclass(frozen=True)
class Measured:
    """What a run took: chunks that landed, seconds by the clock and of the driver's processor."""

    chunks: int
    seconds: float
    processor: float

    @property
    def rows(self) -> float:
        return self.chunks * ROWS / self.seconds


def run(workers: int, seconds: float, chunks: int, during: Callable[[Pool], None] | None = None) -> Measured:
    """Encode so many chunks a worker, and store them, as a run does."""
    from vlbench.engine.executors.local import LocalExecutor
    from vlbench.engine.executors.spread import SpreadExecutor

    settings = RunSettings(batch_size=16, executor="ray", devices=("cpu",) * workers)
    sleeper = type("Sleeper", (Sleeper,), {"seconds": seconds})
    with TemporaryDirectory() as folder, closing(Pool(settings, worker=sleeper)) as pool:
        checkpoint = Nothing()
        local = LocalExecutor(lambda: checkpoint.load(Placement()), settings)  # type: ignore[arg-type, return-value]
        executor = SpreadExecutor(local, checkpoint, pool)  # type: ignore[arg-type]
        pool.put(None)
        while len(pool.ready) < workers:
            pool.wait()
        with FeatureSpace(Path(folder)) as space:
            for one in (WARM * workers, chunks):
                start, processor = time.perf_counter(), time.process_time()
                if during is not None and one == chunks:
                    during(pool)
                work = images_of(one, space)
                for each, encoded in executor.encode_passes([work]):
                    each.take(encoded)
                took = time.perf_counter() - start, time.process_time() - processor
            assert work.done.error is None, work.done.error
            assert len(space) >= chunks * ROWS
        return Measured(chunks, *took)


def images_of(chunks: int, space: FeatureSpace) -> ImagePass:
    """A pass over so many chunks of images that do not exist, none of them stored."""
    keys = [blake2b(f"{chunks} {i}".encode(), digest_size=16).hexdigest() for i in range(chunks * ROWS)]
    examples = Examples(lambda i: Example(str(i), Path, Target(), str(i)), len(keys))  # type: ignore[arg-type]
    sink = Sink(Reduction("features"), space)
    return ImagePass(Dataset("made", "1", examples), keys, [sink], ROWS)


def driver(arguments: argparse.Namespace) -> None:
    for workers in arguments.workers:
        found = run(workers, 0.0, arguments.chunks)
        alone = found.chunks * ROWS / found.processor
        print(
            f"| {workers} | {found.rows:,.0f} | {alone:,.0f} | {1e3 * found.processor / found.chunks:.2f} |",
            flush=True,
        )


def efficiency(arguments: argparse.Namespace) -> None:
    for workers in arguments.workers:
        chunks = int(workers * arguments.span / arguments.seconds)
        found = run(workers, arguments.seconds, chunks)
        ideal = workers * ROWS / arguments.seconds
        busy = found.processor / found.seconds
        print(
            f"| {workers} | {found.rows:,.0f} | {ideal:,.0f} | {found.rows / ideal:.3f} | {busy:.0%} |",
            flush=True,
        )


def killing(every: float, over: threading.Event, killed: list[int], pool: Pool) -> None:
    """Kill one of the workers each so many seconds, until it is over."""

    def often() -> None:
        while not over.wait(every):
            alive = [each.about.process for each in pool.ready if each.about is not None]
            if alive:
                with suppress(ProcessLookupError):
                    os.kill(random.choice(alive), signal.SIGKILL)
                    killed.append(1)

    threading.Thread(target=often, daemon=True).start()


def deaths(arguments: argparse.Namespace) -> None:
    for workers in arguments.workers:
        killed: list[int] = []

        over = threading.Event()
        chunks = int(workers * arguments.span / arguments.seconds)
        found = run(workers, arguments.seconds, chunks, partial(killing, arguments.every, over, killed))
        over.set()
        ideal = workers * ROWS / arguments.seconds
        print(f"| {workers} | {len(killed)} | {found.rows:,.0f} | {found.rows / ideal:.3f} |", flush=True)


def model(arguments: argparse.Namespace) -> None:
    """Images a second of each part, the slowest of which is what a run takes, and its start."""
    for forward in arguments.forward:
        for images in (50_000, 1_000_000, 100_000_000):
            for cards in (1, 8, 64):
                parts = {
                    "forward": forward * cards,
                    "decoding": arguments.decode * arguments.cores * cards,
                    "driver": arguments.rows,
                    "network": arguments.network * 1e9 / 8 / (4 * WIDTH),
                }
                slowest = min(parts, key=parts.__getitem__)
                rate = min(parts.values(), default=0.0)
                seconds = arguments.start + images / rate
                share = arguments.start / seconds
                told = f"start ({share:.0%})" if share > 0.5 else f"{slowest} ({rate:,.0f}/s)"
                print(f"| {forward:,} | {images:,} | {cards} | {duration(seconds)} | {told} |")


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def numbers(text: str) -> Sequence[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, call, workers in (
        ("driver", driver, "1,2,4"),
        ("efficiency", efficiency, "1,2,4,8,16"),
        ("deaths", deaths, "8"),
    ):
        command = commands.add_parser(name)
        command.set_defaults(call=call)
        command.add_argument("--workers", type=numbers, default=numbers(workers))
        command.add_argument("--seconds", type=float, default=0.1, help="of a forward of 64 images")
        command.add_argument("--span", type=float, default=20.0, help="seconds that a worker is to be busy")
        command.add_argument("--chunks", type=int, default=4000, help="that the driver takes")
        command.add_argument("--every", type=float, default=3.0, help="seconds between two deaths")
    command = commands.add_parser("model")
    command.set_defaults(call=model)
    command.add_argument("--rows", type=float, required=True, help="a second that the driver takes")
    command.add_argument(
        "--forward", type=numbers, default=numbers("10000,1000"), help="images/s of a card, stated"
    )
    command.add_argument("--decode", type=float, default=390, help="images/s of a core, stated")
    command.add_argument("--cores", type=int, default=16, help="beside each card")
    command.add_argument("--network", type=float, default=10, help="Gb/s into the driver's node")
    command.add_argument("--start", type=float, default=30, help="seconds until the first chunk")
    arguments = parser.parse_args()
    arguments.call(arguments)


if __name__ == "__main__":
    main()
