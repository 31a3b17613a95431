"""One small loadable model for every adapter that vlbench registers; a new adapter adds its own here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vlbench.core.capabilities import IMAGES_ALONE
from vlbench.core.contracts import Checkpoint, Origin, Text
from vlbench.core.registry import ADAPTERS

TINY = Path(__file__).parents[2] / "model_cards" / "tiny-clip"
TINY_REACT = TINY.with_name("tiny-react")
SMALL_ARCHITECTURE = "ViT-S-32-alt"
SMALL_TOWER = "test_vit"
TAGS = (
    "red circle",
    "blue square",
    "seven",
    "a green triangle to the left of a large yellow star above a small grey ring",
    "dog",
    "cat",
    "house",
)
"""What the tiny taggers know: the names of the laws' texts among others."""


@dataclass(frozen=True)
class Sample:
    """How to open a sample with its own weights or with another file, and its state dict's file.

    `key` is a tensor of that file that the laws leave out, reshape and change; empty for a CLIP's own.
    """

    open: Callable[[Path | None], Checkpoint]
    weights: Path
    key: str = ""


def clip(folder: Path) -> Sample:
    return Sample(
        lambda weights: ADAPTERS.get("clip")(
            Origin("tiny-clip", TINY.parent, weights, folder), directory="tiny-clip"
        ),
        TINY / "open_clip_model.safetensors",
    )


def open_base(name: str, weights: Path | None = None, *, cache: Path) -> Checkpoint:
    return ADAPTERS.get("clip")(Origin(name, TINY.parent, None, cache), directory=name)


def coop(folder: Path) -> Sample:
    import torch

    from vlbench.models.coop.context import ContextFacts, write_context

    path = folder / "context.safetensors"
    context = torch.randn(4, 128, generator=torch.Generator().manual_seed(0)) / 10
    write_context(path, context, ContextFacts("tiny-clip", "", "middle"))

    return Sample(
        lambda weights: ADAPTERS.get("coop")(
            Origin("coop", folder, weights, folder, open=partial(open_base, cache=folder)),
            base="tiny-clip",
            context=path.name,
        ),
        path,
        key="ctx",
    )


def local_dir(folder: Path) -> Sample:
    return Sample(
        lambda weights: ADAPTERS.get("local-dir")(
            Origin(f"local-dir:{TINY}", None, weights, folder), reference=str(TINY)
        ),
        TINY / "open_clip_model.safetensors",
    )


def react(folder: Path) -> Sample:
    return Sample(
        lambda weights: ADAPTERS.get("react")(
            Origin("tiny-react", TINY_REACT.parent, weights, folder), directory="tiny-react", gated_layers=2
        ),
        TINY_REACT / "open_clip_model.safetensors",
    )


def tagger(folder: Path, family: str) -> Sample:
    from safetensors.torch import save_file
    from tiny_taggers import open_tagger, tagging_state, write_tags

    path = folder / "model.safetensors"
    state = tagging_state(family)
    save_file(state, path)
    write_tags(folder, TAGS, [0.5] * len(TAGS))
    return Sample(
        lambda weights: open_tagger(family, Origin(family, folder, weights, folder), directory="."),
        path,
        key="label_embed.weight" if "label_embed.weight" in state else "label_embed",
    )


def long_clip(folder: Path) -> Sample:
    from tiny_long_clip import write_long

    path = write_long(folder / "long", TINY)
    return Sample(
        lambda weights: ADAPTERS.get("long_clip")(Origin("long", folder, weights, folder), directory="long"),
        path,
        key="positional_embedding_res",
    )


def transformers(folder: Path) -> Sample:
    from tiny_transformers import write_tiny

    where = write_tiny(folder / "tiny", "clip")
    return Sample(
        lambda weights: ADAPTERS.get("transformers")(
            Origin(f"transformers:{where}", None, weights, folder), reference=str(where)
        ),
        where / "model.safetensors",
        key="text_projection.weight",
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


def timm(folder: Path) -> Sample:
    import timm as package
    import torch
    from safetensors.torch import save_file

    path = folder / "tower.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        save_file(package.create_model(SMALL_TOWER, num_classes=0).state_dict(), path)
    return Sample(
        lambda weights: ADAPTERS.get("timm")(
            Origin(f"timm:{SMALL_TOWER}", None, weights or path, folder), reference=SMALL_TOWER
        ),
        path,
        key="patch_embed.proj.weight",
    )


def words_of(checkpoint: Checkpoint, texts: Sequence[Text]) -> tuple[Text, ...]:
    """The texts that a law asks a model of: none where it reads images alone."""
    return () if IMAGES_ALONE in checkpoint.capabilities else tuple(texts)


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "clip": clip,
    "coop": coop,
    "local-dir": local_dir,
    "long_clip": long_clip,
    "open_clip": open_clip,
    "ram": partial(tagger, family="ram"),
    "ram_plus": partial(tagger, family="ram_plus"),
    "react": react,
    "tag2text": partial(tagger, family="tag2text"),
    "timm": timm,
    "transformers": transformers,
}
"""`hf-hub` downloads into a folder and opens it as `local-dir` does; its own test stands with the adapter."""
READERS = SAMPLES.keys() - {"timm"}
"""Those that read words; what is left reads images alone."""
NEED_THE_HUB = frozenset({"hf-hub"})
