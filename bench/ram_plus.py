"""Memory and time of RAM++ at full size on a CPU: vlbench beside a loop over images, as its authors weigh.

    python bench/ram_plus.py [--batch-size 8] [--tags 4585] [--runs 2] [--folder DIR]

Seeded random weights in a file of the published layout (1.3 GB, in DIR), opened by the card; float32. Each
side runs in a process of its own, so that peaks are its own: it loads, encodes a batch, scores it against all
tags. The other side asks the same network: it multiplies all descriptions by the weights of one image after
another, then decodes all tags of the batch at once with plain attention. Prints CPU seconds an image, peaks
of resident memory, the largest difference of logits, and the floor: the arithmetic at the speed of large
products.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.contracts import Placement
from vlbench.models.ram.checkpoint import TaggerCheckpoint
from vlbench.models.ram.model import ClosedTaggerModel
from vlbench.models.ram.sizes import TaggerSize
from vlbench.models.ram.taggers import RamPlus

MODEL = "ram-plus"
SIDES = ("vlbench", "loop")
TEXTS = 4585
GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Operations of one image: in the image side, and for a number of tags."""

    encode: float
    score: float

    @classmethod
    def of(cls, tags: int) -> "Arithmetic":
        """Counted on tensors without memory; the sums of products are counted, nothing else."""
        size = size_of_card()
        with torch.device("meta"):
            network = RamPlus(size).to("meta")
            pixels = torch.empty(1, 3, size.image_size, size.image_size)
            texts = torch.empty(tags, size.descriptions, size.token_width)
        with torch.inference_mode(), FlopCounterMode(display=False) as encode:
            tokens = network.encode(pixels)
        with torch.inference_mode(), FlopCounterMode(display=False) as score:
            network.logits(network.described(tokens, texts), network.remember(tokens))
        return cls(encode.get_total_flops(), score.get_total_flops())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--tags", type=int, default=TEXTS)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the weights are written, and kept")
    parser.add_argument("--side", choices=SIDES, help="run one side here: what the others start")
    arguments = parser.parse_args()
    if arguments.side is not None:
        print(json.dumps(run_side(arguments)))
        return
    with tempfile.TemporaryDirectory() as passing:
        compare(arguments, arguments.folder or Path(passing))


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    """Run both sides in turn and print what they took."""
    if not weights_in(folder).is_file():
        write_weights(weights_in(folder))
    work = Arithmetic.of(arguments.tags)
    print(f"arithmetic an image: {work.encode / GIGA:.1f} + {work.score / GIGA:.1f} GFLOP", flush=True)
    logits = {}
    for side in SIDES:
        command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
        command += ["--batch-size", str(arguments.batch_size), "--tags", str(arguments.tags)]
        command += ["--runs", str(arguments.runs)]
        process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(process.stdout.splitlines()[-1])
        logits[side] = torch.tensor(found.pop("logits"))
        speed = found["gflops"] * GIGA
        print(
            f"{side:8} load {found['load_seconds']:.1f} s of the clock, {found['loaded']:.2f} GB resident; "
            f"CPU seconds an image: encode {found['encode']:.2f} (floor {work.encode / speed:.2f}), peak "
            f"{found['encoded']:.2f} GB, score {found['score']:.2f} (floor {work.score / speed:.2f}), peak "
            f"{found['scored']:.2f} GB; {found['gflops']:.0f} GFLOP a CPU second",
            flush=True,
        )
    print(f"largest difference of logits {(logits['vlbench'] - logits['loop']).abs().max():.1e}")


def run_side(arguments: argparse.Namespace) -> dict[str, object]:
    """Load, encode and score in this process; memory in GB, times in CPU seconds an image."""
    count = arguments.batch_size
    start = time.perf_counter()
    opened = open_model(MODEL, read_catalogue(), weights=weights_in(arguments.folder)).checkpoint
    model = opened.load(Placement())
    assert isinstance(model, ClosedTaggerModel)
    texts = model.encode_texts(model.tags()[: arguments.tags], batch_size=64)
    found: dict[str, object] = {"load_seconds": time.perf_counter() - start, "loaded": resident("VmRSS")}
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, 3, *model.info.image_size), dtype=torch.uint8, generator=generator)
    found["encode"], images = timed(lambda: model.encode_images(pixels), arguments.runs, count)
    found["encoded"] = resident("VmHWM")
    score = model.score if arguments.side == "vlbench" else looped(model)
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    found["score"], logits = timed(lambda: score(images, texts), arguments.runs, count)
    found["scored"] = resident("VmHWM")
    found["gflops"] = product_speed() / GIGA
    found["logits"] = logits[:, :64].tolist()
    return found


def looped(model: ClosedTaggerModel) -> Callable[[Tensor, Tensor], Tensor]:
    """Scoring by the published recipe, read literally: an image after another, then all tags at once."""
    network = model.network
    assert isinstance(network, RamPlus)

    def attend(layer: torch.nn.Module, query: Tensor, tokens: Tensor) -> Tensor:
        own = layer.get_submodule("self")
        heads = [
            own.get_submodule(name)(states).unflatten(-1, (network.size.decoder_heads, -1)).transpose(1, 2)
            for name, states in (("query", query), ("key", tokens), ("value", tokens))
        ]
        likeness = heads[0] @ heads[1].transpose(-1, -2) / heads[0].shape[-1] ** 0.5
        merged = (likeness.softmax(dim=-1) @ heads[2]).transpose(1, 2).flatten(2)
        return rejoined(layer.get_submodule("output"), merged, query)

    def rejoined(output: torch.nn.Module, states: Tensor, residual: Tensor) -> Tensor:
        joined: Tensor = output.get_submodule("LayerNorm")(output.get_submodule("dense")(states) + residual)
        return joined

    @torch.inference_mode()
    def score(images: Tensor, texts: Tensor) -> Tensor:
        n, k, width = texts.shape
        mean = images[:, 0] / images[:, 0].norm(dim=-1, keepdim=True)
        likeness = network.reweight_scale.exp() * mean @ texts.reshape(n * k, width).T
        weights = likeness.view(len(images), n, k).softmax(dim=-1)
        described = torch.empty(len(images), n, width)
        for position, own in enumerate(weights):
            described[position] = (own[..., None] * texts).sum(dim=1)
        states = torch.relu(network.wordvec_proj(described))
        for layer in network.tagging_head.encoder.get_submodule("layer").children():
            attended = attend(layer.get_submodule("crossattention"), states, images)
            wide = torch.nn.functional.gelu(layer.get_submodule("intermediate.dense")(attended))
            states = rejoined(layer.get_submodule("output"), wide, attended)
        logits: Tensor = network.fc(states).squeeze(-1)
        return logits

    return score


def timed(run: Callable[[], Tensor], runs: int, images: int) -> tuple[float, Tensor]:
    """Median CPU seconds an image, and the answer: others may share the machine."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        answer = run()
        seconds.append((time.process_time() - start) / images)
    return median(seconds), answer


def product_speed() -> float:
    """Operations a CPU second of a large product of matrices, the best of five."""
    left, right = torch.rand(4096, 768), torch.rand(768, 3072)
    best = min(timed(lambda: left @ right, 1, 1)[0] for _ in range(5))
    return 2 * 4096 * 768 * 3072 / best


def resident(which: str) -> float:
    """Resident memory of this process in GB, now (VmRSS) or at its peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{which}:")]
    return int(line.split()[1]) * 1024 / GIGA


def size_of_card() -> TaggerSize:
    """The sizes that the card says."""
    opened = open_model(MODEL, read_catalogue()).checkpoint
    assert isinstance(opened, TaggerCheckpoint)
    return opened.network


def weights_in(folder: Path) -> Path:
    """The file of weights in a folder."""
    return folder / "ram_plus_random.pth"


def write_weights(path: Path) -> None:
    """Seeded random weights, in a process of their own, so that they count for no side."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import ram_plus, pathlib; "
    code += f"ram_plus.write_random(pathlib.Path({str(path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)


def write_random(path: Path) -> None:
    """A file of the authors' layout; timm's names for the merging of patches turn back to theirs."""
    size = size_of_card()
    torch.manual_seed(0)
    with torch.device("meta"):
        network = RamPlus(size)
    state = {
        key: torch.randn(tensor.shape) * tensor[0].numel() ** -0.5
        if tensor.dim() > 1
        else torch.ones(tensor.shape)
        for key, tensor in network.state_dict().items()
    }
    for stage in range(1, len(size.depths)):
        prefix = f"visual_encoder.layers.{stage}.downsample."
        for key in [key for key in state if key.startswith(prefix)]:
            state[key.replace(f"layers.{stage}.", f"layers.{stage - 1}.")] = state.pop(key)
    state["label_embed"] = torch.randn(TEXTS * size.descriptions, size.token_width) / 10
    state["reweight_scale"] = torch.tensor(1 / 0.07).log()
    torch.save({"model": state}, path)


if __name__ == "__main__":
    main()
