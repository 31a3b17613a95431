"""Learns a context: text features from the frozen tower, cross entropy, SGD on the context alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vlbench.core.errors import VlbenchError
from vlbench.fitting.batches import batches
from vlbench.fitting.coop_recipe import CoopRecipe, learning_rate
from vlbench.fitting.fixed_kernels import fixed_kernels
from vlbench.models.coop.prompts import ROOM, prompt_rows
from vlbench.models.shared.causal_text import token_table, tree_features
from vlbench.models.shared.dual_encoder import products, unit
from vlbench.models.shared.text_tower import TextTower
from vlbench.models.shared.token_tree import TokenTree, plant

_DEVIATION = 0.02
"""The standard deviation of a context that is initialised without words."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """The prompts of all classes as trees over a small table with the token embeddings that they use.

    `table` [v, w] holds embeddings; ids from v on are rows of the context. `scale` is exp(logit_scale).
    """

    model: nn.Module
    table: Tensor
    trees: tuple[TokenTree, ...]
    scale: float
    batch_size: int

    def features(self, context: Tensor) -> Tensor:
        """Unit text features [classes, d] of a context [n, w] or [classes, n, w]; differentiable."""
        table = torch.cat([self.table, context.flatten(0, -2)])
        parts = [tree_features(self.model, table, tree, batch_size=self.batch_size) for tree in self.trees]
        order = torch.cat([tree.rows for tree in self.trees]).argsort()
        found = torch.cat(parts)[order]
        return unit(found)

    def loss(self, context: Tensor, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Cross entropy of unit image features [b, d], and the scores [b, classes]."""
        scores = products(self.scale * images, self.features(context))
        return cross_entropy(scores, labels), scores


def prompts_of(
    tower: TextTower, names: Sequence[str], recipe: CoopRecipe, *, n_ctx: int, scale: float, batch_size: int
) -> Prompts:
    """The prompts of class names with a context; its rows have the ids after those of the table."""
    whole = token_table(tower.model)
    first = [len(whole) + (i * n_ctx if recipe.class_specific else 0) for i in range(len(names))]
    rows, lengths = prompt_rows(tower.tokenizer, names, n_ctx=n_ctx, position=recipe.position, first=first)
    kept = torch.arange(rows.shape[1]) < lengths[:, None]
    used = torch.unique(rows[kept & (rows < len(whole))])
    # ids are numbered anew, so that a step's gradient is of these few rows
    small = torch.searchsorted(used, rows.clamp(max=len(whole) - 1).contiguous())
    small = torch.where(rows < len(whole), small, rows - len(whole) + len(used))
    planned = plant(small.masked_fill(~kept, 0), lengths, batch_size=batch_size)
    trees = tuple(tree.on(whole.device) for tree in planned)
    return Prompts(tower.model, whole[used.to(whole.device)], trees, scale, batch_size)


def first_context(tower: TextTower, recipe: CoopRecipe, classes: int) -> Tensor:
    """The initial context: seeded normal numbers, or the embeddings of the recipe's words.

    It is [n, w], or [classes, n, w] if every class has its own.

    Raises:
        VlbenchError: the words, or so many tokens, do not fit the tower's context.
    """
    whole = token_table(tower.model)
    ids = tower.tokenizer([recipe.ctx_init.replace("_", " ")])[0]
    most = len(ids) - ROOM
    if recipe.ctx_init:
        count = int(ids.argmax()) - 1
        if not 0 < count < most:
            raise VlbenchError(f"--ctx-init {recipe.ctx_init!r} makes {count} tokens; give fewer words")
        shared = whole[ids[1 : 1 + count].to(whole.device)].clone()
        return shared.repeat(classes, 1, 1) if recipe.class_specific else shared
    if recipe.n_ctx > most:
        raise VlbenchError(
            f"--n-ctx {recipe.n_ctx} leaves no room for a name: the model reads {len(ids)} tokens; "
            f"give at most {most}"
        )
    shape = (recipe.n_ctx, whole.shape[1])
    random = torch.Generator().manual_seed(recipe.seed)
    drawn = torch.randn((classes, *shape) if recipe.class_specific else shape, generator=random)
    return (drawn * _DEVIATION).to(whole.device)


@dataclass(slots=True)
class Learner:
    """A context during learning; its state is the context and the momentum of SGD."""

    prompts: Prompts
    recipe: CoopRecipe
    context: nn.Parameter
    optimiser: torch.optim.SGD

    @classmethod
    def start(
        cls, prompts: Prompts, recipe: CoopRecipe, context: Tensor, momentum: Tensor | None
    ) -> "Learner":
        """A learner that starts from a context; `momentum` is that of an earlier epoch, None at the first."""
        parameter = nn.Parameter(context.detach().clone())
        optimiser = torch.optim.SGD(
            [parameter], lr=recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
        if momentum is not None:
            optimiser.state[parameter]["momentum_buffer"] = momentum.clone()
        return cls(prompts, recipe, parameter, optimiser)

    @property
    def momentum(self) -> Tensor | None:
        """The momentum of SGD, for a later start."""
        found: Tensor | None = self.optimiser.state[self.context].get("momentum_buffer")
        return found

    def epoch(self, number: int, images: Tensor, labels: Tensor) -> tuple[float, float]:
        """One pass over unit features [n, d] with classes [n]. Returns mean loss and accuracy, a fraction."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(number, self.recipe)
        losses, right, seen = 0.0, 0, 0
        recipe = self.recipe
        for batch in batches(len(images), recipe.batch_size, seed=recipe.seed, epoch=number):
            chosen = batch.to(images.device)
            loss, scores = self.prompts.loss(self.context, images[chosen], labels[chosen])
            self.optimiser.zero_grad()
            with fixed_kernels(images.device.type):
                torch.autograd.backward(loss)
            self.optimiser.step()
            losses += float(loss.detach()) * len(batch)
            right += int((scores.argmax(dim=1) == labels[chosen]).sum())
            seen += len(batch)
        return losses / seen, right / seen
