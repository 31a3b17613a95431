"""Identities: each side changes with what can change it and with nothing else, and torch stays out."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vlbench.core.capabilities import PAIRS, TOKENS, VECTORS
from vlbench.core.contracts import Identity, Origin, PreprocessMode
from vlbench.models.clip.architectures import architecture_names
from vlbench.models.clip.checkpoint import ClipCheckpoint, local_dir, open_clip
from vlbench.models.shared.recipe import Recipe, from_folder

Side = dict[str, object]


@pytest.fixture
def recipe(tiny_folder: Path, origin: Origin) -> Recipe:
    return from_folder(origin, folder=tiny_folder)


def identity(recipe: Recipe, preprocess: PreprocessMode = "exact") -> Identity:
    return ClipCheckpoint(Origin("m", preprocess=preprocess), "clip", lambda _: recipe).identify()


def with_config(recipe: Recipe, **changes: object) -> Recipe:
    return replace(recipe, config={**recipe.config, **changes})


IMAGE_ONLY: list[Callable[[Recipe], Recipe]] = [
    lambda r: with_config(r, vision_cfg={**r.config["vision_cfg"], "layers": 3}),  # type: ignore[dict-item]
    lambda r: replace(r, preprocessing=replace(r.preprocessing, mean=(0.5, 0.5, 0.5))),
    lambda r: replace(r, preprocessing=replace(r.preprocessing, resize_mode="squash")),
]
TEXT_ONLY: list[Callable[[Recipe], Recipe]] = [
    lambda r: with_config(r, text_cfg={**r.config["text_cfg"], "context_length": 32}),  # type: ignore[dict-item]
    lambda r: with_config(r, custom_text=True),
    lambda r: replace(r, merges=r.weights),
]
BOTH: list[Callable[[Recipe], Recipe]] = [
    lambda r: with_config(r, quick_gelu=False),
    lambda r: with_config(r, embed_dim=33),
]


@pytest.mark.parametrize("change", IMAGE_ONLY)
def test_what_changes_the_image_side_alone(recipe: Recipe, change: Callable[[Recipe], Recipe]) -> None:
    before, after = identity(recipe), identity(change(recipe))
    assert after.image != before.image
    assert after.text == before.text
    assert after.whole != before.whole


@pytest.mark.parametrize("change", TEXT_ONLY)
def test_what_changes_the_text_side_alone(recipe: Recipe, change: Callable[[Recipe], Recipe]) -> None:
    before, after = identity(recipe), identity(change(recipe))
    assert after.image == before.image
    assert after.text != before.text
    assert after.whole != before.whole


@pytest.mark.parametrize("change", BOTH)
def test_what_changes_both_sides(recipe: Recipe, change: Callable[[Recipe], Recipe]) -> None:
    before, after = identity(recipe), identity(change(recipe))
    assert after.image != before.image
    assert after.text != before.text


def test_the_mode_is_of_the_image_side_and_the_bias_of_the_whole(recipe: Recipe) -> None:
    before = identity(recipe)
    fast = identity(recipe, preprocess="fast")
    assert (fast.image != before.image, fast.text == before.text) == (True, True)
    biased = identity(with_config(recipe, init_logit_bias=-10))
    assert (biased.image, biased.text) == (before.image, before.text)
    assert biased.whole != before.whole


def test_places_are_in_no_digest_and_bytes_are(recipe: Recipe, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.safetensors"
    copy.write_bytes(recipe.weights.read_bytes())
    moved = identity(replace(recipe, weights=copy, origin="elsewhere"))
    before = identity(recipe)
    assert (moved.image, moved.text, moved.whole) == (before.image, before.text, before.whole)
    assert before.weights == {"open_clip_model.safetensors": moved.weights["elsewhere.safetensors"]}
    copy.write_bytes(copy.read_bytes() + b" ")
    assert identity(replace(recipe, weights=copy)).image != before.image


@pytest.mark.slow
def test_every_architecture_has_an_identity(tmp_path: Path, origin: Origin) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"x")
    found = {
        name: open_clip(replace(origin, weights=weights), reference=name).identify()
        for name in architecture_names()
    }
    assert len(found) > 100
    assert all(value.image and value.text and value.whole for value in found.values())
    plain, quick = found["ViT-B-32"], found["ViT-B-32-quickgelu"]
    assert plain.image != quick.image
    assert found["ViT-B-16-SigLIP"].text == found["ViT-B-16-SigLIP-256"].text


NAMES_AND_IMPORTS = """
import sys
from pathlib import Path
from vlbench.core.contracts import Origin
from vlbench.models.clip.checkpoint import local_dir, open_clip

folder, cache = map(Path, sys.argv[1:])
weights = folder / "open_clip_model.safetensors"
one = local_dir(Origin("one", cache=cache), reference=str(folder))
two = open_clip(Origin("two", cache=cache, weights=weights), reference="ViT-B-32/openai")
print(one.identify().whole, two.name, two.identify().whole)
print({"torch", "open_clip", "huggingface_hub", "numpy", "PIL", "pandas", "scipy"} & set(sys.modules))
"""


def test_an_identity_that_the_cache_knows_needs_no_torch(tiny_folder: Path, origin: Origin) -> None:
    one = local_dir(origin, reference=str(tiny_folder))
    own = replace(origin, name="two", weights=tiny_folder / "open_clip_model.safetensors")
    two = open_clip(own, reference="ViT-B-32/openai")
    known = f"{one.identify().whole} {two.name} {two.identify().whole}"
    run = subprocess.run(
        [sys.executable, "-c", NAMES_AND_IMPORTS, str(tiny_folder), str(origin.cache)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.splitlines() == [known, "set()"]


def test_a_checkpoint_asks_for_nothing_before_it_is_asked() -> None:
    checkpoint = local_dir(Origin("m"), reference="nowhere")
    assert checkpoint.name == "m"
    assert checkpoint.capabilities == {PAIRS, TOKENS, VECTORS}
