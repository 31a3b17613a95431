"""Whole cold processes of vlbench and of clip-benchmark on the same weights and images, in turns.

    python bench/side_by_side.py --peer PEER_VENV --images FOLDER_OF_CLASS_FOLDERS

PEER_VENV is a virtual environment with clip-benchmark (and numpy < 2.4, requests). Weights are a
ViT-B-32 with seeded random numbers. Prints seconds of every run, medians of the ratios, the scores of
both, peak memory, a stored rerun, and how many images a second task on the same images encodes.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vlbench.cards.catalogue import read_catalogue

ARCHITECTURE = "ViT-B-32"
METRICS = ("acc1", "acc5", "mean_per_class_recall")


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall-clock seconds, its peak memory in bytes, its scores."""

    seconds: float
    peak_bytes: int
    scores: dict[str, float]


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
            write_webdataset(data, workload, arguments.images)
            compare(workload, data, weights, arguments.peer, arguments.pairs)


def compare(workload: Workload, data: Path, weights: Path, peer: Path, pairs: int) -> None:
    """Run a workload in turns and print the medians."""
    print(f"\n{workload.name}")
    ratios, memory = [], []
    for pair in range(pairs):
        theirs = run_peer(peer, data, weights)
        ours = run_vlbench("classification", data, weights, data / f"cache-{pair}")
        ratios.append(theirs.seconds / ours.seconds)
        memory.append(ours.peak_bytes / theirs.peak_bytes)
        print(f"  pair {pair + 1}: peer {theirs.seconds:.1f} s, vlbench {ours.seconds:.1f} s")
        for metric in METRICS:
            print(f"    {metric}: peer {theirs.scores[metric]:.6f}, vlbench {ours.scores[metric]:.6f}")
    print(f"  cold: {statistics.median(ratios):.2f}x the peer (goal {workload.goal}x)")
    print(f"  peak memory: {statistics.median(memory):.2f} of the peer's (goal 0.65)")
    again = [run_vlbench("classification", data, weights, data / "cache-0") for _ in range(pairs)]
    rerun = statistics.median(run.seconds for run in again)
    print(f"  stored rerun: {rerun:.2f} s, {theirs.seconds / rerun:.0f}x the peer (goal 1 s, 50x)")
    second = run_vlbench("tagging", data, weights, data / "cache-0")
    print(f"  second task on the same images: {second.scores['images_encoded']:.0f} images encoded (goal 0)")


def run_vlbench(kind: str, data: Path, weights: Path, cache: Path) -> Run:
    """One `vlbench run` in a process of its own."""
    results = data / "results"
    command = [
        str(Path(sys.executable).with_name("vlbench")), "run", "--model", f"open_clip:{ARCHITECTURE}",
        "--weights", str(weights), "--task", f"{kind}:{data}", "--cache", str(cache), "--device", "cpu",
        "--results", str(results),
    ]  # fmt: skip
    seconds, peak = timed(command)
    (path,) = results.glob(f"{kind}*/*.json")
    result = json.loads(path.read_text())
    scores = {metric["metric"]: metric["value"] for metric in result["metrics"]}
    return Run(seconds, peak, {**scores, "images_encoded": result["timing"]["images_encoded"]})


def run_peer(peer: Path, data: Path, weights: Path) -> Run:
    """One `clip_benchmark eval` in a process of its own, without the AMP that slows it on a CPU."""
    output = data / "peer.json"
    command = [
        str(peer / "bin" / "clip_benchmark"), "eval", "--model", ARCHITECTURE, "--pretrained", str(weights),
        "--dataset", "wds/own", "--dataset_root", str(data), "--task", "zeroshot_classification",
        "--no_amp", "--num_workers", "2", "--output", str(output),
    ]  # fmt: skip
    seconds, peak = timed(command)
    return Run(seconds, peak, json.loads(output.read_text())["metrics"])


def timed(command: list[str]) -> tuple[float, int]:
    """Wall-clock seconds and peak memory in bytes of a process; its output is shown if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def write_weights(path: Path) -> None:
    """A ViT-B-32 of seeded random numbers, as a state dict, made in a process of its own."""
    code = (
        "import sys, torch, open_clip; torch.manual_seed(0); "
        f"torch.save(open_clip.create_model({ARCHITECTURE!r}).state_dict(), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)


def write_webdataset(folder: Path, workload: Workload, images: Path) -> None:
    """The layout both tools read: classnames.txt, templates, test/0.tar with KEY.jpg and KEY.cls."""
    cards = read_catalogue().tasks["imagenet"].path.parent
    rows = (cards / "names" / "imagenet.tsv").read_text(encoding="utf-8").splitlines()[1:]
    wnids = {row.split("\t")[1]: number for number, row in enumerate(rows)}
    templates = (cards / "templates" / "imagenet.txt").read_text(encoding="utf-8").splitlines()
    (folder / "test").mkdir(parents=True)
    names = [row.split("\t")[0] for row in rows[: workload.classes]]
    (folder / "classnames.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    chosen = [template.replace("{}", "{c}") for template in templates[: workload.templates]]
    (folder / "zeroshot_classification_templates.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")
    (folder / "test" / "nshards.txt").write_text("1\n")
    paths = sorted(path for path in images.glob("*/*") if path.suffix.lower() in {".jpg", ".jpeg"})
    many = [path for _ in range(1 + workload.images // max(1, len(paths))) for path in paths]
    with tarfile.open(folder / "test" / "0.tar", "w") as archive:
        for number, path in enumerate(islice(many, workload.images)):
            label = wnids.get(path.parent.name, number) % workload.classes
            add(archive, f"{number:05d}.jpg", path.read_bytes())
            add(archive, f"{number:05d}.cls", str(label).encode())


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """One member of a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


if __name__ == "__main__":
    main()
