"""Prompts a CPU second of the text tower: vlbench beside open_clip's own zero-shot classifier.

    python bench/text_tower.py [--classes 50] [--peer-classes 4] [--batch-sizes 16,32] [--pairs 3]

ViT-B-32 with seeded random weights, the first ImageNet names and all 80 templates. open_clip encodes
the first few of the classes at its full context (its rate does not depend on their number). Both sides
run in turn, in one process; prints every pair, the medians' ratio and the least cosine between both.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from open_clip import CLIP, build_zero_shot_classifier, get_model_config, get_tokenizer
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES
from torch import Tensor, nn

from vlbench.core.contracts import Origin, Placement, Text
from vlbench.models.clip.checkpoint import open_clip

ARCHITECTURE = "ViT-B-32"
TEMPLATES = len(OPENAI_IMAGENET_TEMPLATES)


@dataclass(frozen=True, slots=True)
class Timed:
    """What a side answered, [classes, d], and its prompts a second of CPU and of the clock."""

    features: Tensor
    per_cpu_second: float
    per_second: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classes", type=int, default=50)
    parser.add_argument("--peer-classes", type=int, default=4)
    parser.add_argument("--batch-sizes", default="16,32")
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.batch_sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), arguments.classes, arguments.peer_classes, sizes, arguments.pairs)


def compare(folder: Path, classes: int, peer_classes: int, sizes: list[int], pairs: int) -> None:
    """Run both sides in turn and print their rates."""
    peer = random_model()
    torch.save(peer.state_dict(), folder / "weights.pt")
    ours = open_clip(Origin(ARCHITECTURE, weights=folder / "weights.pt"), reference=ARCHITECTURE).load(
        Placement()
    )
    tokenizer = get_tokenizer(ARCHITECTURE)
    names = list(IMAGENET_CLASSNAMES[:classes])
    texts = [Text(name, tuple(fill(name) for fill in OPENAI_IMAGENET_TEMPLATES)) for name in names]
    few = names[: min(peer_classes, classes)]
    ours.encode_texts(texts[:1], batch_size=sizes[0])  # the trial of the context, and warm caches

    def run_peer() -> Tensor:
        answer: Tensor = build_zero_shot_classifier(
            peer, tokenizer, few, OPENAI_IMAGENET_TEMPLATES, num_classes_per_batch=1
        )
        return answer.T

    def run_ours(size: int) -> Tensor:
        return ours.encode_texts(texts, batch_size=size)

    theirs: list[Timed] = []
    mine: dict[int, list[Timed]] = {size: [] for size in sizes}
    for _ in range(pairs):
        theirs.append(timed(run_peer, len(few) * TEMPLATES))
        print(f"open_clip          {shown(theirs[-1])}", flush=True)
        for size in sizes:
            mine[size].append(timed(lambda size=size: run_ours(size), classes * TEMPLATES))  # type: ignore[misc]
            print(f"vlbench, batch {size:3} {shown(mine[size][-1])}", flush=True)
    base = median(each.per_cpu_second for each in theirs)
    for size in sizes:
        cosine = (mine[size][0].features[: len(few)] * theirs[0].features).sum(dim=1).min().item()
        ratio = median(each.per_cpu_second for each in mine[size]) / base
        print(f"batch {size}: {ratio:.2f}x prompts a CPU second, least cosine {cosine:.8f}")


def random_model() -> nn.Module:
    """The architecture with seeded weights."""
    torch.manual_seed(0)
    model: nn.Module = CLIP(**get_model_config(ARCHITECTURE))
    return model.eval().requires_grad_(requires_grad=False)


def timed(run: Callable[[], Tensor], prompts: int) -> Timed:
    """Time a run by the CPU seconds of this process and by the clock."""
    clock, cpu = time.perf_counter(), cpu_seconds()
    features = run()
    cpu, clock = cpu_seconds() - cpu, time.perf_counter() - clock
    return Timed(features, prompts / cpu, prompts / clock)


def cpu_seconds() -> float:
    """User and system seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def shown(each: Timed) -> str:
    """Both rates of a run."""
    return f"{each.per_cpu_second:7.2f} prompts a CPU second, {each.per_second:7.2f} a second"


if __name__ == "__main__":
    main()
