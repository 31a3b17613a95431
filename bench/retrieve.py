"""Exact search in a pool of made vectors: that it is brute force, what it costs, and the law of both.

    python bench/retrieve.py agree                               10^5 x 512, beside float64
    python bench/retrieve.py cost --rows 250000,1000000 [--peer VENV]   beside faiss flat

The vectors lie in a file of float16 that is mapped, as clip-retrieval writes them. VENV has faiss-cpu, whose
index holds them as float32. Memory is the largest anonymous part (RssAnon): mapped pages are the disk's.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np

WIDTH, K, BLOCK = 512, 50, 50_000

PEER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import faiss, numpy as np
from retrieve import largest
vectors, queries = np.load(sys.argv[2], mmap_mode="r"), np.load(sys.argv[3])
k, threads = int(sys.argv[4]), int(sys.argv[5])
faiss.omp_set_num_threads(threads)
with largest() as memory:
    start, cpu = time.perf_counter(), time.process_time()
    index = faiss.IndexFlatIP(vectors.shape[1])
    for begin in range(0, len(vectors), 50_000):
        block = vectors[begin : begin + 50_000].astype(np.float32)
        faiss.normalize_L2(block)  # float16 is of no unit length
        index.add(block)
    cosines, places = index.search(queries, k)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
np.save(sys.argv[6], places)
print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": memory[0]}))
"""


@contextmanager
def largest() -> Iterator[list[float]]:
    """The largest anonymous memory inside the block beyond that before it, in MB, in a list of one."""
    found, stop = [0.0], Event()
    before = anonymous()

    def watch() -> None:
        while not stop.wait(0.02):
            found[0] = max(found[0], anonymous() - before)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def anonymous() -> float:
    """The anonymous memory of this process in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("RssAnon"))) / 1024


def made(path: Path, rows: int, queries: int) -> np.ndarray:
    """Write unit vectors as float16, block by block; queries near some of them are returned."""
    draw = np.random.default_rng(0)
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(rows, WIDTH))
    for begin in range(0, rows, BLOCK):
        block = draw.standard_normal((min(BLOCK, rows - begin), WIDTH), dtype=np.float32)
        file[begin : begin + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    file.flush()
    near = file[draw.integers(0, rows, queries)].astype(np.float32)
    near += draw.standard_normal((queries, WIDTH), dtype=np.float32) / WIDTH**0.5
    unit: np.ndarray = near / np.linalg.norm(near, axis=1, keepdims=True)
    return unit


def agree(rows: int, queries: int) -> None:
    """Set vlbench's places beside brute force in float64, and say how near those are that differ."""
    from vlbench.pairs.nearest import nearest
    from vlbench.pairs.rows import Rows

    with TemporaryDirectory() as folder:
        asked = made(Path(folder) / "rows.npy", rows, queries)
        file = np.load(Path(folder) / "rows.npy", mmap_mode="r")
        found = nearest(asked, Rows("rows", (file,)), K)
        exact = file.astype(np.float64)
        exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    differ, furthest, off = 0, 0.0, 0.0
    for place, query in enumerate(asked.astype(np.float64)):
        cosines = exact @ (query / np.linalg.norm(query))
        order = np.argsort(-cosines, kind="stable")[:K]
        off = max(off, float(np.abs(found.cosines[place] - cosines[found.places[place]]).max()))
        other = found.places[place] != order
        differ += int(other.sum())
        if other.any():
            gap = np.abs(cosines[found.places[place][other]] - cosines[order[other]])
            furthest = max(furthest, float(gap.max()))
    print(
        f"{rows:,} x {WIDTH}, {queries:,} queries, k {K}: {differ} of {queries * K:,} places differ from "
        f"float64, the furthest pair by {furthest:.1e}; cosines off by {off:.1e} at most"
    )


def cost(rows: list[int], queries: int, threads: int, peer: Path | None) -> None:
    """Time vlbench, and faiss where it is, on pools of several sizes, and fit the law."""
    import torch

    from vlbench.core.npy_file import mapped_npy
    from vlbench.pairs.nearest import nearest
    from vlbench.pairs.rows import Rows

    torch.set_num_threads(threads)
    cpus = []
    for count in rows:
        with TemporaryDirectory() as folder:
            path, asked_path, said = (Path(folder) / name for name in ("rows.npy", "asked.npy", "places.npy"))
            asked = made(path, count, queries)
            np.save(asked_path, asked)
            with largest() as memory:
                start, cpu = time.perf_counter(), time.process_time()
                found = nearest(asked, Rows("rows", (mapped_npy(path),)), K)
                seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            cpus.append(cpu)
            print(f"{count:,} rows: {seconds:.1f} s, {cpu:.1f} CPU s, {memory[0]:.0f} MB")
            if peer is None:
                continue
            here = str(Path(__file__).parent)
            paths = [str(path), str(asked_path), str(K), str(threads), str(said)]
            command = [str(peer / "bin" / "python"), "-c", PEER, here, *paths]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            theirs = json.loads(done.stdout)
            same = float((np.load(said) == found.places).mean())
            print(
                f"  faiss flat: {theirs['seconds']:.1f} s, {theirs['cpu']:.1f} CPU s, {theirs['mb']:.0f} MB; "
                f"{same:.4%} of the places are equal"
            )
    law = float(np.median([cpu / count / queries for cpu, count in zip(cpus, rows, strict=True)]))
    print(f"law: {law * 1e9:.1f} CPU seconds for a thousand queries of a million rows", end="")
    print(f"; {law * 1e10:.0f} of ten million")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["agree", "cost"])
    parser.add_argument("--rows", default=None)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", type=Path)
    arguments = parser.parse_args()
    rows = [int(count) for count in (arguments.rows or "100000").split(",")]
    if arguments.what == "agree":
        agree(rows[0], arguments.queries)
    else:
        cost(rows, arguments.queries, arguments.threads, arguments.peer)


if __name__ == "__main__":
    main()
