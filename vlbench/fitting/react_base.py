"""The model that REACT tunes: one of open_clip, loaded, with gated blocks where the recipe asks for them."""

from dataclasses import dataclass, replace

import torch
from torch import nn

from vlbench.core.contracts import Checkpoint, Identity, Placement
from vlbench.core.errors import CardError, Unsupported
from vlbench.engine.settings import RunSettings
from vlbench.fitting.react_recipe import GATE_MARK, ReactRecipe
from vlbench.models.clip.checkpoint import ClipCheckpoint
from vlbench.models.react.gated_block import add_gates
from vlbench.models.shared.dual_encoder import DualEncoder
from vlbench.models.shared.recipe import Recipe, section
from vlbench.models.shared.sentence_tokens import Tokenizer
from vlbench.models.shared.text_tower import tower_of


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A model of open_clip before and during tuning. `network` is what computes in `model`.

    `gated_layers` counts the last image layers that have a gated block. `recipe` is what it was made of,
    `remarks` tell what the user should know.
    """

    model: DualEncoder
    network: nn.Module
    tokenizer: Tokenizer
    identity: Identity
    recipe: Recipe
    gated_layers: int
    remarks: tuple[str, ...] = ()

    @property
    def mean_colour(self) -> tuple[int, ...]:
        """The colour that normalisation turns to about 0."""
        return tuple(min(255, round(255 * level)) for level in self.recipe.preprocessing.mean)

    @property
    def placement(self) -> Placement:
        """Where and how it computes."""
        return self.model.placement


def open_base(checkpoint: Checkpoint, recipe: ReactRecipe, settings: RunSettings) -> Base:
    """Load a model to tune. New gated blocks are drawn from the recipe's seed, and closed.

    Raises:
        Unsupported: it is none of open_clip's that compares cosines by a softmax, or its image tower has no
            place for the gated blocks.
    """
    name = checkpoint.name
    if not isinstance(checkpoint, ClipCheckpoint):
        raise Unsupported(
            f"{name}: fit react tunes models of open_clip, and this is one of {checkpoint.adapter}; "
            "name a CLIP"
        )
    made_of = checkpoint.recipe
    if section(made_of.config, "text_cfg").get("hf_tokenizer_name"):
        raise Unsupported(
            f"{name}: its tokenizer is one of transformers, and REACT's files go with CLIP's; name a CLIP"
        )
    model = checkpoint.load(Placement(settings.device, settings.precision))
    tower = tower_of(model)
    if tower is None or getattr(tower.model, "logit_bias", None) is not None:
        raise Unsupported(f"{name}: it was not trained by CLIP's contrast, which fit react goes on with")
    network, remarks = tower.model, tuple[str, ...]()
    layers = sum(child.endswith(GATE_MARK) for child, _ in network.named_modules())
    if recipe.mode == "gated-image" and not layers:
        layers = recipe.gated_layers
        _open_gates(network, layers, recipe.seed, name)
    elif layers:
        remarks = (f"{name}: has gated blocks in its last {layers} image layers, which learn on",)
    info = replace(model.info, parameters=sum(each.numel() for each in network.parameters()))
    return Base(
        replace(model, info=info),
        network.to(settings.device),
        tower.tokenizer,
        checkpoint.identify(),
        made_of,
        layers,
        remarks,
    )


def _open_gates(network: nn.Module, layers: int, seed: int, name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            add_gates(network, layers)
        except CardError as error:
            raise Unsupported(
                f"{name}: {error}; give --gated-layers that it has, or --mode locked-text"
            ) from error
