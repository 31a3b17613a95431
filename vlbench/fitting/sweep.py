"""Contexts for several shots and seeds: each learned on images sampled as CoOp's authors sample them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.cards.class_half import positions_in_half
from vlbench.cards.folders import Half
from vlbench.core.contracts import Checkpoint
from vlbench.core.image import decoding_text, watched
from vlbench.core.task import Task
from vlbench.engine.settings import RunSettings
from vlbench.fitting.context_card import ContextCard, row_of, write_card
from vlbench.fitting.coop import Few, Frozen, fit, labels_of
from vlbench.fitting.coop_recipe import Recipe
from vlbench.fitting.few_shot import sample
from vlbench.fitting.seen import UNKNOWN, Seen


@dataclass(frozen=True, slots=True)
class Lesson:
    """A model, the training split of a task, and the recipes to learn by.

    `whole` is the training split that images are sampled from, of which `training` may be a `half` of
    the classes. `epochs` are the task's own, where it has any. `base` and `base_weights` are how the
    checkpoint is opened again. `seen` is what the cards of what is learned say that it saw.
    """

    checkpoint: Checkpoint
    training: Task
    recipes: Sequence[Recipe]
    whole: Task
    base: str
    base_weights: Path | None = None
    half: Half | None = None
    epochs: int | None = None
    seen: Seen = UNKNOWN

    def draw(self, recipe: Recipe) -> list[int]:
        """Positions in `training` of the images that a recipe learns from."""
        labels = labels_of(self.whole).tolist()
        chosen = sample(labels, recipe.shots, recipe.seed)
        if self.half is None:
            return chosen
        classes = len(self.whole.problem.texts)
        return positions_in_half(chosen, labels, classes=classes, half=self.half)


def learn(
    lesson: Lesson, settings: RunSettings, *, cache: Path, out: Path, tell: Callable[[str], None]
) -> Iterator[ContextCard]:
    """Learn and write a context for every recipe; each is written before the next is begun.

    `tell` is given what was changed of the model's files and, as they are decoded, of the images.

    Raises:
        VlbenchError: see fitting/coop.py.
    """
    training = lesson.training
    labels = labels_of(training)
    frozen = Frozen.of(lesson.checkpoint, settings, name=lesson.base)
    changes = frozen.model.info.changes
    if changes:
        tell(f"{lesson.checkpoint.name}: {'; '.join(changes)}")
    images = training.problem.images
    for recipe in lesson.recipes:
        chosen = lesson.draw(recipe)
        found: dict[int, tuple[str, ...]] = {}
        few = Few(watched(images, found), tuple(chosen), labels[chosen])
        fitted = fit(frozen, training, few, recipe, settings, cache)
        decoding = decoding_text((images[index].id, said) for index, said in sorted(found.items()))
        if decoding:
            tell(f"{training.name}: decoded {decoding}")
        row = row_of(lesson.checkpoint.name, training.name, recipe, epochs=lesson.epochs)
        yield write_card(
            fitted,
            recipe,
            row,
            out,
            task=training.name,
            base_weights=lesson.base_weights,
            seen=lesson.seen,
        )
