"""Whole processes of both tools, timed from outside: what the other benches run."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURE = "ViT-B-32"
METRICS = ("acc1", "acc5", "mean_per_class_recall")


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds of the clock and of CPU, its peak memory in bytes, its scores."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    scores: dict[str, float]


def run_vlbench(task: str, data: Path, weights: Path, cache: Path, *more: str) -> Run:
    """One `vlbench run` in a process of its own; a task kind alone stands for the data's folder."""
    results = data / "results"
    command = [
        str(Path(sys.executable).with_name("vlbench")), "run", "--model", f"open_clip:{ARCHITECTURE}",
        "--weights", str(weights), "--task", task if more else f"{task}:{data}",
        "--cache", str(cache), "--device", "cpu",
        "--results", str(results), *more,
    ]  # fmt: skip
    cost = timed(command)
    (path,) = results.glob(f"{task}*/*.json")
    result = json.loads(path.read_text())
    scores = {metric["metric"]: metric["value"] for metric in result["metrics"]}
    return Run(*cost, {**scores, "images_encoded": result["timing"]["images_encoded"]})


def run_peer(peer: Path, data: Path, weights: Path, task: str = "zeroshot_classification") -> Run:
    """One `clip_benchmark eval` in a process of its own, without the AMP that slows it on a CPU."""
    output = data / "peer.json"
    command = [
        str(peer / "bin" / "clip_benchmark"), "eval", "--model", ARCHITECTURE, "--pretrained", str(weights),
        "--dataset", "wds/own", "--dataset_root", str(data), "--task", task,
        "--no_amp", "--num_workers", "2", "--output", str(output), "--recall_k", "1", "5", "10",
    ]  # fmt: skip
    return Run(*timed(command), json.loads(output.read_text())["metrics"])


def timed(command: list[str]) -> tuple[float, float, int]:
    """Clock and CPU seconds and peak bytes of a process; its output is shown if it fails."""
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
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def write_weights(path: Path) -> None:
    """A ViT-B-32 of seeded random numbers, as a state dict, made in a process of its own."""
    code = (
        "import sys, torch, open_clip; torch.manual_seed(0); "
        f"torch.save(open_clip.create_model({ARCHITECTURE!r}).state_dict(), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)
