"""A tuned model as files: a folder in open_clip's layout with REACT's tensors, and its model card."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import copyfile

from safetensors.torch import save
from torch import Tensor

from vlbench.core.digest import digest_of
from vlbench.core.files import write_atomically
from vlbench.fitting.react import Point
from vlbench.fitting.react_base import Base
from vlbench.fitting.react_recipe import ReactRecipe
from vlbench.models.react.checkpoint import NAME
from vlbench.models.react.network import gated
from vlbench.models.shared.recipe import CONFIG_FILE, MERGES_FILE

WEIGHTS_FILE = "open_clip_model.safetensors"
LOG_FILE = "training_log.json"
DIGESTS_FILE = "learned_from.txt"
_DIGITS = 6
"""How many hexadecimal digits of a recipe's digest are in a row's name."""


@dataclass(frozen=True, slots=True)
class ReactCard:
    """A written model: its name, its folder and card, loss and score at the end, and what was scored.

    `learned_from` are the digests of the images that it and its base were tuned on.
    """

    name: str
    folder: Path
    card: Path
    loss: float
    score: float | None = None
    scored: str = ""
    learned_from: tuple[str, ...] = ()


def row_name(base: str, pairs: str, recipe: ReactRecipe) -> str:
    """The leaderboard row that all seeds of a recipe share, with a digest of non-default values.

    >>> row_name("clip-b32", "retrieval:pets@12ab34", ReactRecipe("gated-image"))
    'react-b32-pets@12ab34-gated-image'
    >>> row_name("tiny-clip", "mine", ReactRecipe("locked-text", epochs=3, warm_up=10))
    'react-tiny-clip-mine-locked-text-4320c4'
    """
    usual = ReactRecipe(recipe.mode).as_facts()
    changed = {name: value for name, value in recipe.as_facts().items() if value != usual[name]}
    changed.pop("seed", None)
    parts = [NAME, base.removeprefix("clip-"), pairs.removeprefix("retrieval:"), recipe.mode]
    parts += [digest_of(changed)[:_DIGITS]] if changed else []
    return "".join("-" if mark in ":/\\ ,*?[]" else mark for mark in "-".join(parts))


def write_model(
    base: Base,
    course: Sequence[Point],
    recipe: ReactRecipe,
    out: Path,
    *,
    named: str,
    pairs: str,
    row: str,
    scored: str,
    facts: Mapping[str, object],
    learned_from: Sequence[str],
    seen: Mapping[str, Sequence[str]],
) -> ReactCard:
    """Write the folder `ROW-seedN` and the card `ROW-seedN.yaml`, which is written last.

    `named` is the base's name, `pairs` that of the pairs, `scored` tells what was scored; `facts` go into
    the log beside the recipe and the course. `seen` are the card's fields about the data sets that it has
    seen.
    """
    name = f"{row}-seed{recipe.seed}"
    folder, card = out / name, out / f"{name}.yaml"
    write_atomically(folder / WEIGHTS_FILE, save(_tensors(base)))
    preprocessing = {**asdict(base.recipe.preprocessing), "mode": "RGB"}
    config = {"model_cfg": gated(base.recipe.config, base.gated_layers), "preprocess_cfg": preprocessing}
    write_atomically(folder / CONFIG_FILE, json.dumps(config, indent=1) + "\n")
    if base.recipe.merges is not None:
        copyfile(base.recipe.merges, folder / MERGES_FILE)
    write_atomically(folder / DIGESTS_FILE, "".join(f"{each}\n" for each in learned_from))
    log = {
        "base": named,
        "pairs": pairs,
        **recipe.as_facts(),
        **facts,
        "scored": scored,
        "course": list(map(asdict, course)),
    }
    write_atomically(folder / LOG_FILE, json.dumps(log, indent=1) + "\n")
    write_atomically(card, _card(base, recipe, name, row, named=named, pairs=pairs, seen=seen))
    last = course[-1]
    return ReactCard(name, folder, card, last.loss, last.score, scored, tuple(learned_from))


def _tensors(base: Base) -> dict[str, Tensor]:
    """All tensors of a tuned model on the CPU, under the names of REACT's published files."""
    state = base.network.state_dict()
    return {name: each.detach().cpu().contiguous() for name, each in state.items()}


def _card(
    base: Base,
    recipe: ReactRecipe,
    name: str,
    row: str,
    *,
    named: str,
    pairs: str,
    seen: Mapping[str, Sequence[str]],
) -> str:
    """The YAML of a model's card."""
    settings: dict[str, object] = {"directory": name}
    if base.gated_layers:
        settings["gated_layers"] = base.gated_layers
    settings |= {"replicate_of": row, "learned_from": f"{name}/{DIGESTS_FILE}"}
    what = "its gated image blocks" if recipe.mode == "gated-image" else "its image tower"
    fields: dict[str, object] = {
        "title": f"{named}, tuned on {pairs} ({recipe.mode})",
        "adapter": NAME,
        "settings": settings,
        "family": NAME,
        "about": (
            f"{named}, of which `vlbench fit react` tuned {what} on pairs of {pairs} (seed {recipe.seed}, "
            f"{recipe.epochs} epochs in batches of {recipe.batch_size}); the recipe is in {name}/{LOG_FILE}."
        ),
        "paper": {
            "title": "Learning Customized Visual Models with Retrieval-Augmented Knowledge",
            "arxiv": "2301.07094",
        },
        "parameters": round(base.model.info.parameters / 1e6, 2),
        "image_size": max(base.model.info.image_size),
        **seen,
    }
    # JSON is YAML, and quotes what YAML would read as something else
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
