"""Images a second end to end (read, decode, encode, store) beside the pure forward, by model and precision.

    python bench/throughput.py --images FOLDER_OF_CLASS_FOLDERS [--device cuda] [--models ViT-B-32,ViT-L-14]

Weights are seeded random numbers; the images are repeated until there are --count of them. Each pair
runs one after the other; the median of the ratios counts.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from vlbench.core.contracts import Dataset, Model, Origin, Placement, PreprocessMode
from vlbench.core.contracts import Place as SourcePlace
from vlbench.core.dataset import as_dataset, subset
from vlbench.core.registry import ADAPTERS, SOURCES
from vlbench.engine.chunk import Reduction
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.image_pass import Done, Sink
from vlbench.engine.passes import encode_images
from vlbench.engine.settings import RunSettings

WARM_UP = 2


def main() -> None:
    """Measure every model at every precision."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--models", default="ViT-B-32,ViT-B-16,ViT-L-14")
    parser.add_argument("--precisions", default="fp32,bf16" if torch.cuda.is_available() else "fp32")
    parser.add_argument("--preprocess", default="fast,exact")
    parser.add_argument("--count", type=int, default=20_000 if torch.cuda.is_available() else 128)
    parser.add_argument("--workers", type=int, default=16 if torch.cuda.is_available() else 2)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    images = as_dataset(SOURCES.get("folder")(SourcePlace(), path=str(arguments.images)))
    chosen = subset(images, [i % len(images) for i in range(arguments.count)])
    with tempfile.TemporaryDirectory() as folder:
        for architecture in arguments.models.split(","):
            weights = Path(folder) / f"{architecture}.pt"
            write_weights(architecture, weights)
            for precision in arguments.precisions.split(","):
                for mode in arguments.preprocess.split(","):
                    model = load(architecture, weights, Placement(arguments.device, precision), mode)
                    settings = RunSettings(
                        device=arguments.device,
                        precision=precision,
                        preprocess=mode,
                        workers=arguments.workers,
                    )
                    report(f"{architecture} {precision} {mode}", model, chosen, settings, arguments.pairs)
            weights.unlink()


def write_weights(architecture: str, path: Path) -> None:
    """A state dict of seeded random numbers."""
    import open_clip

    torch.manual_seed(0)
    torch.save(open_clip.create_model(architecture).state_dict(), path)


def load(architecture: str, weights: Path, placement: Placement, mode: PreprocessMode) -> Model:
    """The model of an architecture with weights from a file."""
    origin = Origin(f"open_clip:{architecture}", weights=weights, preprocess=mode)
    return ADAPTERS.get("open_clip")(origin, reference=architecture).load(placement)


def report(name: str, model: Model, images: Dataset, settings: RunSettings, pairs: int) -> None:
    """Print images a second of both, and the median of their ratios."""
    ratios, forwards, ends = [], [], []
    for _ in range(pairs):
        forwards.append(forward_rate(model, images, settings))
        ends.append(end_to_end_rate(model, images, settings))
        ratios.append(ends[-1] / forwards[-1])
    print(
        f"{name}: forward {statistics.median(forwards):.1f} images/s, end to end "
        f"{statistics.median(ends):.1f}, ratio {statistics.median(ratios):.3f}",
        flush=True,
    )


def forward_rate(model: Model, images: Dataset, settings: RunSettings) -> float:
    """Images a second of the image tower alone, on pixels that lie on the device already."""
    size = settings.first_batch_size
    pixel = model.preprocess(images[0].image())
    pixels = pixel.expand(size, *pixel.shape).contiguous().to(settings.device)
    batches = max(3, len(images) // size)
    with torch.inference_mode():
        for _ in range(WARM_UP):
            model.encode_images(pixels)
        synchronise(settings.device)
        start = time.perf_counter()
        for _ in range(batches):
            model.encode_images(pixels)
        synchronise(settings.device)
    return batches * size / (time.perf_counter() - start)


def end_to_end_rate(model: Model, images: Dataset, settings: RunSettings) -> float:
    """Images a second of the engine's pass: files to stored features."""
    executor = LocalExecutor(lambda: model, settings)
    first = subset(images, range(min(settings.first_batch_size, len(images))))
    with tempfile.TemporaryDirectory() as folder:
        for asked in (first, images):
            with FeatureSpace(Path(folder) / str(len(asked))) as space:
                start = time.perf_counter()
                encode_images(executor, asked, None, [Sink(Reduction("features"), space)], Done())
    return len(images) / (time.perf_counter() - start)


def synchronise(device: str) -> None:
    """Wait for the device."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
