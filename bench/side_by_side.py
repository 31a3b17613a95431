"""Whole cold processes of vlbench and of clip-benchmark on the same weights and images, in turns.

    python bench/side_by_side.py --peer PEER_VENV --images FOLDER_OF_CLASS_FOLDERS

PEER_VENV is a virtual environment with clip-benchmark (and numpy < 2.4, requests). Weights are a
ViT-B-32 with seeded random numbers. Prints seconds of every run, medians of the ratios, the scores of
both, peak memory, a stored rerun, and how many images a second task on the same images encodes.
"""

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from processes import METRICS, run_peer, run_vlbench, write_weights
from webdataset_folder import (
    Item,
    Questions,
    card_templates,
    imagenet_names,
    imagenet_wnids,
    jpegs,
    write_webdataset,
)


@dataclass(frozen=True, slots=True)
class Workload:
    """A classification: this many of ImageNet's classes, templates and images."""

    name: str
    classes: int
    templates: int
    images: int
    goal: float


WORKLOADS = (
    Workload("20 classes x 80 templates + 20 images", 20, 80, 20, 6.0),
    Workload("1000 classes x 1 template + 250 images", 1000, 1, 250, 2.5),
)


def main() -> None:
    """Run the workloads and print their figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pt"
        write_weights(weights)
        for workload in WORKLOADS:
            data = Path(folder) / f"{workload.classes}x{workload.templates}"
            write_workload(data, workload, arguments.images)
            compare(workload, data, weights, arguments.peer, arguments.pairs)


def compare(workload: Workload, data: Path, weights: Path, peer: Path, pairs: int) -> None:
    """Run a workload in turns and print the medians."""
    print(f"\n{workload.name}")
    clock, cpu, memory = [], [], []
    for pair in range(pairs):
        theirs = run_peer(peer, data, weights)
        ours = run_vlbench("classification", data, weights, data / f"cache-{pair}")
        clock.append(theirs.seconds / ours.seconds)
        cpu.append(theirs.cpu_seconds / ours.cpu_seconds)
        memory.append(ours.peak_bytes / theirs.peak_bytes)
        for side, run in (("peer", theirs), ("vlbench", ours)):
            print(f"  pair {pair + 1}: {side} {run.seconds:.1f} s, {run.cpu_seconds:.1f} CPU s", flush=True)
        for metric in METRICS:
            print(f"    {metric}: peer {theirs.scores[metric]:.6f}, vlbench {ours.scores[metric]:.6f}")
    print(f"  cold: {statistics.median(clock):.2f}x the peer by the clock (goal {workload.goal}x)")
    print(f"  cold: {statistics.median(cpu):.2f}x the peer in CPU seconds (goal {workload.goal}x)")
    print(f"  peak memory: {statistics.median(memory):.2f} of the peer's (goal 0.65)")
    again = [run_vlbench("classification", data, weights, data / "cache-0") for _ in range(pairs)]
    rerun = statistics.median(run.seconds for run in again)
    print(f"  stored rerun: {rerun:.2f} s, {theirs.seconds / rerun:.0f}x the peer (goal 1 s, 50x)")
    second = run_vlbench("tagging", data, weights, data / "cache-0")
    print(f"  second task on the same images: {second.scores['images_encoded']:.0f} images encoded (goal 0)")


def write_workload(folder: Path, workload: Workload, images: Path) -> None:
    """The first of ImageNet's names and templates, and as many images as asked for, repeated if need be."""
    wnids = {wnid: number for number, wnid in enumerate(imagenet_wnids())}
    paths = jpegs(images)
    many = (paths * (1 + workload.images // max(1, len(paths))))[: workload.images]
    labels = [wnids.get(path.parent.name, number) % workload.classes for number, path in enumerate(many)]
    questions = Questions(
        imagenet_names()[: workload.classes], card_templates("imagenet")[: workload.templates]
    )
    items = (Item(path.read_bytes(), label) for path, label in zip(many, labels, strict=True))
    write_webdataset(folder, questions, items)


if __name__ == "__main__":
    main()
