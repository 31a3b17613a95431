"""A matching of SugarCrepe's size, 15,022 pairs of 7,511 images, beside CLIP_benchmark's way of reading it.

    python bench/matching.py [--runs 5]

Both get equal unit features of 512 numbers. The peer's arithmetic is written here from its rule: the scores
of each item's image and two captions as a batched product, and argmax. vlbench scores the asked pairs, keeps
what its metrics read, and measures the text score with its interval, ties, equal features and cut texts. Each
side runs in a process of its own, by turns; prints seconds, MB beyond the features, and the medians' ratio.
One item in 50 has two equal captions, which vlbench counts wrong and argmax by how a product is rounded.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Example, Offers, ScoreUnit, Target
from vlbench.core.dataset import Examples
from vlbench.core.item import Item
from vlbench.core.measurement import MetricOptions
from vlbench.core.task import Task, TaskRequest
from vlbench.engine.feature_store import leading_bytes
from vlbench.engine.scoring import fresh_scores, predict
from vlbench.task_kinds.matching import matching

ITEMS, WIDTH, BATCH = 7_511, 512, 64
Features = NDArray[np.float32]


def main() -> None:
    """Run both sides by turns, or one of them where it is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", choices=("vlbench", "peer"))
    parser.add_argument("--features", type=Path)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(measured(arguments.side, arguments.features)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npz"
        write_features(path)
        found: dict[str, list[dict[str, float]]] = {"vlbench": [], "peer": []}
        for _ in range(arguments.runs):
            for side, runs in found.items():
                command = [sys.executable, __file__, "--side", side, "--features", str(path)]
                run = subprocess.run(command, check=True, capture_output=True, text=True)
                runs.append(json.loads(run.stdout))
    medians = {side: statistics.median(run["seconds"] for run in runs) for side, runs in found.items()}
    for side, runs in found.items():
        extra = max(run["extra_mb"] for run in runs)
        print(f"{side}: {medians[side]:.3f} s, {extra:.0f} MB extra, accuracy {runs[0]['accuracy']:.6f}")
    print(f"ratio {medians['vlbench'] / medians['peer']:.2f}, task built in {built_in():.2f} s")


def write_features(path: Path) -> None:
    """Images, and of each a caption that is nearer than its negative most of the time."""
    generator = np.random.default_rng(0)
    images = generator.standard_normal((ITEMS, WIDTH), dtype=np.float32)
    texts = 20 * generator.standard_normal((2 * ITEMS, WIDTH), dtype=np.float32)
    texts[0::2] += images
    texts[0::100] = texts[1::100]
    units = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, texts))
    np.savez(path, **dict(zip(("images", "texts"), units, strict=True)))


def measured(side: str, path: Path) -> dict[str, float]:
    """Seconds, extra memory in MB and the accuracy of one side."""
    with np.load(path) as archive:
        images, texts = archive["images"], archive["texts"]
    task = made_task()
    torch.from_numpy(images[:8]) @ torch.from_numpy(images[:8]).T  # a library's threads are started before
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    accuracy = ours(task, images, texts) if side == "vlbench" else peers(images, texts)
    seconds = time.perf_counter() - start
    extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "extra_mb": extra / 1024, "accuracy": accuracy}


def ours(task: Task, images: Features, texts: Features) -> float:
    """The text score of the asked pairs, with all that a matching measures beside it."""
    blocks = fresh_scores(
        lambda rows, columns: rows @ columns.T,
        lambda places: images[places],
        leading_bytes(images),
        texts=texts,
        problem=task.problem,
        device="cpu",
        score_pairs=lambda rows, columns: (rows * columns).sum(dim=1),
    )
    blocks = replace(
        blocks,
        features={"candidates": lambda: images, "queries": lambda: texts},
        cut=lambda: np.zeros(len(texts), dtype=np.bool_),
    )
    prediction = predict(blocks, task.problem, task.scoring, ScoreUnit("cosine"))
    found = [metric(prediction, task.problem, MetricOptions()) for metric in task.metrics.values()]
    assert found[0].value is not None
    return found[0].value


def peers(images: Features, texts: Features) -> float:
    """CLIP_benchmark's rule: image @ texts of each item, the first best text is the answer."""
    hits = 0
    captions = torch.from_numpy(texts).view(ITEMS, 2, WIDTH)
    rows = torch.from_numpy(images).view(ITEMS, 1, WIDTH)
    for start in range(0, ITEMS, BATCH):
        scores = rows[start : start + BATCH] @ captions[start : start + BATCH].transpose(1, 2)
        hits += int((scores.argmax(dim=-1) == 0).sum())
    return hits / ITEMS


def made_task() -> Task:
    """The matching of all items."""
    items = tuple(Item(str(i), (i,), (f"{i} right", f"{i} wrong"), ((0, 0),)) for i in range(ITEMS))
    source = Dataset("vectors", "0", Examples(_unread, ITEMS), Offers(items=items))
    return matching(TaskRequest("matching", "bench", source))


def built_in() -> float:
    """Seconds that the task takes to be built of its items."""
    start = time.perf_counter()
    made_task()
    return time.perf_counter() - start


def _unread(index: int) -> Example:
    return Example(f"{index}", lambda: None, Target())  # type: ignore[arg-type, return-value]


if __name__ == "__main__":
    main()
