"""The retrieval metric at COCO's size, 5,000 images and 25,000 captions, beside clip-benchmark's.

    python bench/retrieval_ranks.py --peer PEER_VENV

Both get equal features with 512 numbers. Prints seconds, extra memory in MB, and both sides' recalls.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

IMAGES, CAPTIONS, WIDTH = 5_000, 5, 512

PEER = """
import json, resource, sys, time
import numpy as np, torch
from clip_benchmark.metrics.zeroshot_retrieval import batchify, recall_at_k
images, texts = (torch.from_numpy(np.load(path)) for path in sys.argv[1:3])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
scores = texts @ images.t()
positive = torch.zeros_like(scores, dtype=bool)
positive[torch.arange(len(scores)), torch.arange(len(texts)) // (len(texts) // len(images))] = True
found = {}
for k in (1, 5, 10):
    for side, (rows, right) in {"image": (scores, positive), "text": (scores.T, positive.T)}.items():
        recall = batchify(recall_at_k, rows, right, 64, "cpu", k=k)
        found[f"{side}_retrieval_recall@{k}"] = (recall > 0).float().mean().item()
seconds = time.perf_counter() - start
extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"seconds": seconds, "extra_mb": extra / 1024, "found": found}))
"""


def features() -> tuple[np.ndarray, np.ndarray]:
    """Unit features: captions are noisy copies of their images', so that recalls lie between 0 and 1."""
    generator = np.random.default_rng(0)
    images = generator.standard_normal((IMAGES, WIDTH)).astype(np.float32)
    texts = np.repeat(images, CAPTIONS, axis=0) + 5 * generator.standard_normal(
        (IMAGES * CAPTIONS, WIDTH), dtype=np.float32
    )
    return tuple(side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, texts))


def ours(image_path: str, text_path: str) -> None:
    """Time vlbench's two blocked passes in this process and print them as JSON."""
    import torch

    from vlbench.core.contracts import Dataset, Text
    from vlbench.core.problem import Problem, by_words
    from vlbench.core.relevance import Relevance
    from vlbench.engine.scoring import BLOCK_BYTES, ScoreBlocks
    from vlbench.scorings.two_way_ranks import two_way_ranks

    images, texts = np.load(image_path), np.load(text_path)
    owners = np.arange(len(texts)) // CAPTIONS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    relevant = Relevance.from_pairs(owners, np.arange(len(texts)), (len(images), len(texts)))
    columns = torch.from_numpy(texts).T

    def score(start: int, stop: int) -> torch.Tensor:
        return torch.from_numpy(images[start:stop]) @ columns

    # ranks are made of scores and of what is right alone
    queries = by_words(tuple(Text(str(i)) for i in range(len(texts))))
    problem = Problem(Dataset("vectors", "0", range(len(images))), queries, relevant)  # type: ignore[arg-type]
    blocks = ScoreBlocks(
        score,
        problem,
        "cpu",
        BLOCK_BYTES // (4 * len(texts)),
        lambda rows, places: torch.from_numpy((images[rows] * texts[places]).sum(axis=1)),
    )
    kept = two_way_ranks.run(blocks, problem)
    row_ranks, column_ranks = kept["row_ranks"], kept["column_ranks"]
    found = {}
    for k in (1, 5, 10):
        found[f"image_retrieval_recall@{k}"] = float((column_ranks <= k).mean())
        found[f"text_retrieval_recall@{k}"] = float((row_ranks <= k).mean())
    seconds = time.perf_counter() - start
    extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "extra_mb": extra / 1024, "found": found}))


def main() -> None:
    """Run both in turns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--ours", nargs=2, metavar=("IMAGES", "TEXTS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        return ours(*arguments.ours)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{side}.npy" for side in ("images", "texts")]
        for path, side in zip(paths, features(), strict=True):
            np.save(path, side)
        ratios = []
        for _ in range(arguments.pairs):
            peer = said([str(arguments.peer / "bin" / "python"), "-c", PEER, *paths])
            mine = said([sys.executable, __file__, "--ours", *paths])
            ratios.append(peer["seconds"] / mine["seconds"])
            for name, run in (("peer", peer), ("vlbench", mine)):
                print(f"{name}: {run['seconds']:.2f} s, {run['extra_mb']:.0f} MB extra, {run['found']}")
    print(f"{statistics.median(ratios):.1f}x the peer (goal 7x, 100 MB)")
    return None


def said(command: list[str]) -> dict[str, float]:
    """What a process printed, as JSON."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
