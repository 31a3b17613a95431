"""Time of REACT's gated image tower beside plain CLIP's, and beside the arithmetic that its blocks add.

    python bench/react_tower.py [--architecture ViT-B-32] [--gated-layers 6] [--batch-size 32] [--runs 7]

Seeded random weights, open gates, float32, both towers through vlbench's adapters, in turn, in one process.
Prints every pair, the ratio of the medians, the ratio of the arithmetic, and the first over the second: 1
means that a gated tower costs what its arithmetic costs (goal: within 15 %).
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from vlbench.core.contracts import Origin, Placement
from vlbench.models.clip.architectures import architecture_config
from vlbench.models.react.checkpoint import react
from vlbench.models.react.network import construct, gated
from vlbench.models.shared.dual_encoder import DualEncoder
from vlbench.models.shared.recipe import section

GATE = 0.5
"""What the gates are opened to: tanh of it passes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides the arithmetic of an image tower."""

    width: int
    layers: int
    patch: int
    size: int
    out: int

    @classmethod
    def of(cls, architecture: str) -> "Shape":
        """The shape of an open_clip architecture whose MLPs are four times as wide as its tokens."""
        config = architecture_config(architecture)
        vision = section(config, "vision_cfg")
        numbers = [vision["width"], vision["layers"], vision["patch_size"], vision["image_size"]]
        return cls(*(int(str(number)) for number in (*numbers, config["embed_dim"])))

    def products(self, gated_layers: int) -> float:
        """Multiplications of one image: patches, blocks (12 w^2 a token, 2 t w of attention), projection."""
        patches = (self.size // self.patch) ** 2
        tokens = patches + 1
        block = tokens * (12 * self.width**2 + 2 * tokens * self.width)
        stem = patches * 3 * self.patch**2 * self.width
        return stem + (self.layers + gated_layers) * block + self.width * self.out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="ViT-B-32", help="ViT-B-32, ViT-B-16 or ViT-L-14")
    parser.add_argument("--gated-layers", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    shape = Shape.of(arguments.architecture)
    pixels = torch.randint(
        256,
        (arguments.batch_size, 3, shape.size, shape.size),
        dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0),
    )
    with tempfile.TemporaryDirectory() as folder:
        towers = {
            layers: random_model(arguments.architecture, layers, arguments.device, Path(folder))
            for layers in (0, arguments.gated_layers)
        }
    for tower in towers.values():
        seconds(tower, pixels)  # warm caches
    times: dict[int, list[float]] = {layers: [] for layers in towers}
    for _ in range(arguments.runs):
        for layers, tower in towers.items():
            times[layers].append(seconds(tower, pixels))
        print(
            "  ".join(
                f"{layers} gated layers {1000 * spent[-1] / arguments.batch_size:.2f} ms an image"
                for layers, spent in times.items()
            ),
            flush=True,
        )
    plain, other = (median(times[layers]) for layers in (0, arguments.gated_layers))
    work = shape.products(arguments.gated_layers) / shape.products(0)
    print(
        f"{arguments.architecture}, {arguments.gated_layers} gated layers, batch {arguments.batch_size}, "
        f"{arguments.runs} runs each: {other / plain:.3f}x the time of plain CLIP, {work:.3f}x its "
        f"arithmetic; ratio {other / plain / work:.3f}"
    )


def random_model(architecture: str, gated_layers: int, device: str, folder: Path) -> DualEncoder:
    """The architecture with seeded weights and open gates, loaded as a card's checkpoint is."""
    torch.manual_seed(0)
    state = construct(gated(architecture_config(architecture), gated_layers)).state_dict()
    state |= {key: torch.full_like(value, GATE) for key, value in state.items() if ".alpha_" in key}
    path = folder / f"{gated_layers}.pt"
    torch.save(state, path)
    checkpoint = react(
        Origin(architecture, weights=path),
        arch=architecture,
        repository="react-vl/react-in1k",
        file=path.name,
        gated_layers=gated_layers,
    )
    return checkpoint.load(Placement(device))


def seconds(tower: DualEncoder, pixels: torch.Tensor) -> float:
    """How long a batch takes, from bytes to unit features."""
    start = time.perf_counter()
    tower.encode_images(pixels).sum().item()  # the answer is fetched, so that a device has finished
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
