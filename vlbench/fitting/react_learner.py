"""Tunes an image tower on pairs: features of a whole batch, both directions of the contrast, AdamW."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vlbench.core.contracts import Placement
from vlbench.core.errors import NotFinite
from vlbench.fitting.fixed_kernels import fixed_kernels
from vlbench.fitting.react_recipe import LARGEST_SCALE, ReactRecipe, is_decayed
from vlbench.models.shared.dual_encoder import unit

Pixels = Callable[[], Tensor]
"""A function that returns the normalised pixels [b, 3, h, w] of a part of a batch, on the model's device."""

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(slots=True)
class Learner:
    """A model of open_clip during tuning, with what learns of it by name.

    The model stays in evaluation mode: running statistics of batches do not move, so that a batch may be
    computed in parts.
    """

    model: nn.Module
    parameters: Mapping[str, nn.Parameter]
    optimiser: torch.optim.AdamW
    scaler: torch.amp.GradScaler
    placement: Placement

    @classmethod
    def start(cls, model: nn.Module, recipe: ReactRecipe, placement: Placement) -> "Learner":
        """A learner of a model, all of whose other parameters are frozen."""
        learning: dict[str, nn.Parameter] = {}
        for name, parameter in model.requires_grad_(requires_grad=False).named_parameters():
            if recipe.learns(name):
                parameter.data = parameter.data.clone()  # it may be mapped from a file
                parameter.requires_grad = True
                learning[name] = parameter
        decays = {name: is_decayed(name, parameter.ndim) for name, parameter in learning.items()}
        groups = [
            {
                "params": [learning[name] for name, decayed in decays.items() if decayed is which],
                "weight_decay": recipe.weight_decay if which else 0.0,
            }
            for which in (False, True)
        ]
        optimiser = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=recipe.highest_rate,
            betas=recipe.betas,
            eps=recipe.epsilon,
        )
        # half precision alone has gradients too small for its numbers
        scaler = torch.amp.GradScaler(
            torch.device(placement.device).type, enabled=placement.precision == "fp16"
        )
        return cls(model.eval(), learning, optimiser, scaler, placement)

    @property
    def scale(self) -> Tensor:
        """The logarithm of the scale of the scores."""
        return self.parameters["logit_scale"]

    def step(self, parts: Sequence[Pixels], texts: Tensor, rate: float) -> float:
        """Learn from a batch: its images in parts, and unit features [b, d] of their texts. Return the loss.

        With several parts, features of all are computed first, then the gradient of each part, so that a step
        is that of the whole batch while memory holds one part.

        Raises:
            NotFinite: the loss is no number.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        with fixed_kernels(self.placement.device, tf32=self.placement.precision != "fp32"):
            loss = self._gradients(parts, texts)
        if not loss.isfinite():
            raise NotFinite("the loss is no number; tune at a lower --rate, or with --precision fp32")
        self.scaler.step(self.optimiser)
        self.scaler.update()
        with torch.no_grad():
            self.scale.clamp_(0, LARGEST_SCALE)
        return float(loss)

    def _gradients(self, parts: Sequence[Pixels], texts: Tensor) -> Tensor:
        """Compute the gradients of a batch, and return its loss."""
        if len(parts) == 1:
            loss = self._contrast(self._features(parts[0]), texts)
            torch.autograd.backward(self.scaler.scale(loss))
            return loss.detach()
        with torch.no_grad():
            found = [self._features(part) for part in parts]
        gathered = torch.cat(found).requires_grad_()
        loss = self._contrast(gathered, texts)
        torch.autograd.backward(self.scaler.scale(loss))
        gradients = torch.split(cast(Tensor, gathered.grad), [len(each) for each in found])
        for part, gradient in zip(parts, gradients, strict=True):
            torch.autograd.backward(self._features(part), gradient)
        return loss.detach()

    def _features(self, part: Pixels) -> Tensor:
        """Unit image features [b, d] of a part in float32."""
        kind = _AUTOCAST.get(self.placement.precision)
        device = torch.device(self.placement.device).type
        # a context for each pass: autocast remembers parameters that it converted without gradients
        with torch.autocast(device, dtype=kind, enabled=kind is not None):
            found = cast(Callable[[Tensor], Tensor], self.model.encode_image)(part())
        return unit(found.float())

    def _contrast(self, images: Tensor, texts: Tensor) -> Tensor:
        """The mean cross entropy of images among texts and texts among images (Radford et al. 2021, fig.
        3)."""
        scores = self.scale.exp() * images @ texts.T  # [b, b]
        own = torch.arange(len(scores), device=scores.device)
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def state(self) -> dict[str, Tensor]:
        """What a later start needs: the parameters, the moments of AdamW, the factor of half precision."""
        found = {f"parameter.{name}": each.detach() for name, each in self.parameters.items()}
        for name, each in self.parameters.items():
            moments = self.optimiser.state[each]
            found |= {f"{key}.{name}": moments[key] for key in _MOMENTS if key in moments}
        scaling = self.scaler.state_dict()
        if scaling:
            numbers = [scaling["scale"], float(scaling["_growth_tracker"])]
            found["scaling"] = torch.tensor(numbers, dtype=torch.float64)
        return {name: each.cpu().contiguous() for name, each in found.items()}

    def go_on(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the state of an earlier learner of the same model and recipe."""
        for name, each in self.parameters.items():
            with torch.no_grad():
                each.copy_(state[f"parameter.{name}"])
            moments = {key: state[f"{key}.{name}"] for key in _MOMENTS if f"{key}.{name}" in state}
            if moments:
                self.optimiser.state[each] = {
                    key: value.clone() if key == "step" else value.to(each.device, copy=True)
                    for key, value in moments.items()
                }
        if "scaling" in state:
            scale, tracker = state["scaling"].tolist()
            scaling = self.scaler.state_dict()
            self.scaler.load_state_dict({**scaling, "scale": scale, "_growth_tracker": int(tracker)})
