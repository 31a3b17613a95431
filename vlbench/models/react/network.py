"""REACT's networks: CLIP with gated blocks in the last image layers. Importing it imports no torch."""

from typing import TYPE_CHECKING

from vlbench.models.shared.recipe import Config, section

if TYPE_CHECKING:
    from torch import nn

_GATES = "react_cfg"
"""The key in the authors' vision_cfg that states which image layers are gated."""


def construct(config: Config) -> "nn.Module":
    """The model of a configuration, with the gated blocks that its vision_cfg states."""
    from vlbench.models.clip.network import constructed
    from vlbench.models.react.gated_block import add_gates

    vision = section(config, "vision_cfg")
    gates = section(vision, _GATES)
    vision.pop(_GATES, None)
    model = constructed({**config, "vision_cfg": vision})
    layers = gates.get("last_k_layers", 0) if gates.get("enabled") else 0
    if isinstance(layers, int) and layers:
        add_gates(model, layers)
    return model


def gated(config: Config, layers: int) -> Config:
    """The configuration with gated last image layers, in the authors' format."""
    if not layers:
        return config
    vision = section(config, "vision_cfg")
    return {**config, "vision_cfg": {**vision, _GATES: {"enabled": True, "last_k_layers": layers}}}
