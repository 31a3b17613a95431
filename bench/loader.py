"""Images a second of preprocessing alone: vlbench's two modes beside open_clip's transform in a DataLoader.

    python bench/loader.py FOLDER_OF_JPEGS [--images 500] [--workers 2] [--pairs 3]

Every side ends with normalised float batches [32, 3, 224, 224]; both vlbench modes run in threads, the
peer in worker processes. Runs in turn, in one process; prints every run and the ratios of the medians.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median

import torch
from open_clip.transform import image_transform
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vlbench.models.shared.dual_encoder import normalised
from vlbench.models.shared.preprocess import preprocess_for
from vlbench.models.shared.recipe import Preprocessing

BATCH = 32
PREPROCESSING = Preprocessing()
SUFFIXES = {".jpg", ".jpeg"}


class Files(Dataset[Tensor]):
    """Image files through a transform, as a DataLoader's workers read them."""

    def __init__(self, paths: list[Path], transform: Callable[[Image.Image], Tensor]) -> None:
        self.paths = paths
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        return self.transform(Image.open(self.paths[index]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = paths[: arguments.images]
    if not paths:
        parser.error(f"{arguments.folder} holds no JPEG file")
    torch.set_num_threads(1)  # as a DataLoader's workers run
    sides: dict[str, Callable[[], Iterator[Tensor]]] = {
        "open_clip": lambda: peer_batches(paths, arguments.workers),
        "exact": lambda: own_batches(paths, arguments.workers, "exact"),
        "fast": lambda: own_batches(paths, arguments.workers, "fast"),
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.pairs):
        for name, batches in sides.items():
            start = time.perf_counter()
            count = sum(len(batch) for batch in batches())
            rates[name].append(count / (time.perf_counter() - start))
            print(f"{name:9} {rates[name][-1]:7.1f} images a second", flush=True)
    for name in ("exact", "fast"):
        print(f"{name}: {median(rates[name]) / median(rates['open_clip']):.2f}x open_clip in a DataLoader")
    print(differences(paths))


def differences(paths: list[Path]) -> str:
    """How many images are bit-equal to open_clip's in exact mode, and how far the fast mode is off."""
    exact, fast = preprocess_for(PREPROCESSING, "exact"), preprocess_for(PREPROCESSING, "fast")
    normalise = partial(normalised, mean=PREPROCESSING.mean, std=PREPROCESSING.std)
    equal, means, most = 0, list[float](), 0.0
    for path in paths:
        pixels = exact(Image.open(path))
        equal += torch.equal(normalise(pixels[None])[0], peer_transform()(Image.open(path)))
        off = (pixels.float() - fast(Image.open(path)).float()).abs()
        most = max(most, off.max().item())
        means.append(off.mean().item())
    return (
        f"exact: {equal} of {len(paths)} images bit-equal to open_clip's; "
        f"fast: off by {most:.0f} at most, {sum(means) / len(means):.4f} on average"
    )


def peer_batches(paths: list[Path], workers: int) -> Iterator[Tensor]:
    """open_clip's transform in a DataLoader of worker processes."""
    return iter(DataLoader(Files(paths, peer_transform()), batch_size=BATCH, num_workers=workers))


def peer_transform() -> Callable[[Image.Image], Tensor]:
    """open_clip's evaluation transform."""
    made: Callable[[Image.Image], Tensor] = image_transform(
        PREPROCESSING.size, is_train=False, mean=PREPROCESSING.mean, std=PREPROCESSING.std
    )
    return made


def own_batches(paths: list[Path], workers: int, mode: str) -> Iterator[Tensor]:
    """vlbench's transform in threads, normalised a batch at a time."""
    transform = preprocess_for(PREPROCESSING, "fast" if mode == "fast" else "exact")
    normalise = partial(normalised, mean=PREPROCESSING.mean, std=PREPROCESSING.std)

    def pixels(path: Path) -> Tensor:
        return transform(Image.open(BytesIO(path.read_bytes())))

    with ThreadPoolExecutor(workers) as pool:
        found = list[Tensor]()
        for each in pool.map(pixels, paths):
            found.append(each)
            if len(found) == BATCH:
                yield normalise(torch.stack(found))
                found = []
        if found:
            yield normalise(torch.stack(found))


if __name__ == "__main__":
    main()
