"""One small loadable model for every adapter that vlbench registers; a new adapter adds its own here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Origin
from vlbench.core.registry import ADAPTERS

TINY = Path(__file__).parents[2] / "model_cards" / "tiny-clip"
SMALL_ARCHITECTURE = "ViT-S-32-alt"


@dataclass(frozen=True)
class Sample:
    """How to open a sample with its own weights or with another file, and its state dict's file."""

    open: Callable[[Path | None], Checkpoint]
    weights: Path


def clip(folder: Path) -> Sample:
    return Sample(
        lambda weights: ADAPTERS.get("clip")(
            Origin("tiny-clip", TINY.parent, weights, folder), directory="tiny-clip"
        ),
        TINY / "open_clip_model.safetensors",
    )


def local_dir(folder: Path) -> Sample:
    return Sample(
        lambda weights: ADAPTERS.get("local-dir")(
            Origin(f"local-dir:{TINY}", None, weights, folder), reference=str(TINY)
        ),
        TINY / "open_clip_model.safetensors",
    )


def open_clip(folder: Path) -> Sample:
    import open_clip as package
    import torch
    from safetensors.torch import save_file

    path = folder / "small.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        save_file(package.create_model(SMALL_ARCHITECTURE).state_dict(), path)
    return Sample(
        lambda weights: ADAPTERS.get("open_clip")(
            Origin(f"open_clip:{SMALL_ARCHITECTURE}", None, weights or path, folder),
            reference=SMALL_ARCHITECTURE,
        ),
        path,
    )


SAMPLES: dict[str, Callable[[Path], Sample]] = {"clip": clip, "local-dir": local_dir, "open_clip": open_clip}
"""`hf-hub` downloads into a folder and opens it as `local-dir` does; its own test stands with the adapter."""
NEED_THE_HUB = frozenset({"hf-hub"})
