"""A learned context as files: the context, and the model card with which `vlbench run` loads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.files import write_atomically
from vlbench.fitting.coop import Fitted
from vlbench.fitting.coop_recipe import CoopRecipe, default_epochs
from vlbench.models.coop.checkpoint import NAME, card_text
from vlbench.models.coop.context import write_context


@dataclass(frozen=True, slots=True)
class ContextCard:
    """A written context: its model's name, its files, and loss and accuracy of the last epoch.

    `learned_from` are the digests of its training images; `tested` counts the test images among them, None if
    those are not known.
    """

    name: str
    context: Path
    card: Path
    loss: float
    accuracy: float
    learned_from: tuple[str, ...] = ()
    tested: int | None = None


def row_name(base: str, task: str, recipe: CoopRecipe, *, epochs: int | None = None) -> str:
    """The leaderboard row that all seeds of a recipe share. Non-default values are part of its name.

    `epochs` is the task's own default; None if it has none.

    >>> row_name("clip-b16", "oxford_pets", CoopRecipe(epochs=200))
    'coop-b16-oxford_pets-16shot'
    >>> row_name("tiny-clip", "classification:pets@12ab34", CoopRecipe(epochs=10, shots=1, n_ctx=4))
    'coop-tiny-clip-classification-pets@12ab34-1shot-ctx4-ep10'
    """
    parts = [NAME, base.removeprefix("clip-"), task, f"{recipe.shots}shot"]
    if recipe.ctx_init:
        parts.append("init")
    elif recipe.n_ctx != CoopRecipe(epochs=1).n_ctx:
        parts.append(f"ctx{recipe.n_ctx}")
    parts += ["csc"] if recipe.class_specific else []
    parts += [recipe.position] if recipe.position != "end" else []
    parts += [recipe.features] if recipe.features == "frozen" else []
    parts += [f"ep{recipe.epochs}"] if recipe.epochs != (epochs or default_epochs(recipe.shots)) else []
    return "".join("-" if mark in ":/\\ ,*?[]" else mark for mark in "-".join(parts))


def write_card(
    fitted: Fitted,
    recipe: CoopRecipe,
    row: str,
    folder: Path,
    *,
    task: str,
    base_weights: Path | None,
    seen: Mapping[str, Sequence[str]],
) -> ContextCard:
    """Write `ROW-seedN.safetensors` and `ROW-seedN.yaml` into a folder.

    `base_weights` is the user's own file for the base, which the card then names. `seen` are the card's
    fields about the data sets that base and context have seen.
    """
    name = f"{row}-seed{recipe.seed}"
    context, card = folder / f"{name}.safetensors", folder / f"{name}.yaml"
    write_context(context, fitted.context, fitted.facts)
    kind = "for each class" if recipe.class_specific else "for all classes"
    about = (
        f"A context of {fitted.context.shape[-2]} tokens {kind}, learned by `vlbench fit coop` on "
        f"{recipe.shots} images a class of {task} (seed {recipe.seed}, {recipe.epochs} epochs, "
        f"{recipe.features} features)."
    )
    text = card_text(
        title=f"CoOp on {fitted.facts.base}, {task}, {recipe.shots} shots",
        base=fitted.facts.base,
        context=context.name,
        about=about,
        replicate_of=row,
        base_weights="" if base_weights is None else str(base_weights.absolute()),
        seen=seen,
    )
    write_atomically(card, text)
    learned_from = fitted.facts.learned_from
    return ContextCard(name, context, card, fitted.loss, fitted.accuracy, learned_from)
