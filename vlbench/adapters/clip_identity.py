"""Digests of all that can change a side of an open_clip model, taken without importing torch."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from vlbench.adapters.architectures import section
from vlbench.adapters.recipe import Recipe
from vlbench.adapters.tokenizers import tokenizer_facts
from vlbench.core.contracts import Identity, PreprocessMode
from vlbench.core.digest import digest_of, digest_of_strings
from vlbench.core.files import remembered_sha256

IMAGE_SOURCES = (
    "architectures.py",
    "checkpoint_layout.py",
    "clip_loading.py",
    "clip_weights.py",
    "dual_encoder.py",
    "file_kind.py",
    "precision.py",
    "preprocess.py",
    "torchscript_archive.py",
    "weight_values.py",
    "weights.py",
)
"""Files beside this one whose code decides an image's features."""

TEXT_SOURCES = (
    "architectures.py",
    "causal_text.py",
    "checkpoint_layout.py",
    "clip_loading.py",
    "clip_weights.py",
    "dual_encoder.py",
    "file_kind.py",
    "precision.py",
    "sentence_tokens.py",
    "text_tower.py",
    "token_tree.py",
    "tokenizers.py",
    "torchscript_archive.py",
    "weight_values.py",
    "weights.py",
)
"""Files beside this one whose code decides a text's features."""

_BOTH_SIDES = ("embed_dim", "quick_gelu")


def identity_of(
    recipe: Recipe,
    *,
    preprocess: PreprocessMode,
    ignorable: Sequence[str],
    cache: Path | None,
    sources: Sequence[str] = (),
    text_sources: Sequence[str] = (),
) -> Identity:
    """The identity of a recipe; a text setting changes no image digest, and the other way round.

    `sources` are further files beside this one whose code decides an image's features, `text_sources` a
    text's.
    """
    sha256 = remembered_sha256(recipe.weights, cache)
    vision, text = section(recipe.config, "vision_cfg"), section(recipe.config, "text_cfg")
    both = {
        **{key: recipe.config.get(key) for key in _BOTH_SIDES},
        "weights": sha256,
        "ignorable": list(ignorable),
        "open_clip": version("open_clip_torch"),
        "torch": version("torch"),
    }
    image = {
        **both,
        "vision_cfg": vision,
        "preprocessing": recipe.preprocessing.as_mapping(),
        "mode": preprocess,
        "pillow": version("pillow"),
        "torchvision": version("torchvision"),
        "timm": version("timm") if "timm_model_name" in vision else None,
        "code": source_digest((*IMAGE_SOURCES, *sources)),
    }
    words = {
        **both,
        "text_cfg": text,
        "custom_text": recipe.config.get("custom_text"),
        "tokenizer": tokenizer_facts(recipe, cache),
        "code": source_digest((*TEXT_SOURCES, *text_sources)),
    }
    return Identity(
        image=digest_of(image),
        text=digest_of(words),
        whole=digest_of(_whole(recipe, image, words)),
        weights={recipe.weights.name: sha256},
        origin=recipe.origin,
    )


def source_digest(names: Sequence[str]) -> str:
    """Digest of source files beside this one, so that a changed formula is computed anew."""
    folder = Path(__file__).parent
    return digest_of_strings((folder / name).read_text(encoding="utf-8") for name in names)


def _whole(recipe: Recipe, image: Mapping[str, object], text: Mapping[str, object]) -> dict[str, object]:
    return {"config": recipe.config, "image": image, "text": text}
