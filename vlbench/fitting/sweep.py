"""Contexts for several shots and seeds, each learned on images drawn as CoOp's authors draw them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from vlbench.cards.build import NamedModel, open_task, open_training
from vlbench.cards.catalogue import Catalogue, half_name
from vlbench.cards.class_half import positions_in_half
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError
from vlbench.core.image import decoding_text, seen_among, watched
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.engine.executors.pool import Pool
from vlbench.engine.settings import RunSettings
from vlbench.fitting.context_card import ContextCard, row_name, write_card
from vlbench.fitting.coop import Few, Frozen, fit, labels_of
from vlbench.fitting.coop_recipe import CoopRecipe, RecipeOptions, default_epochs
from vlbench.fitting.few_shot import sample
from vlbench.fitting.seen import seen_after


def learn(
    named: NamedModel,
    base: str,
    task: str,
    catalogue: Catalogue,
    data: DataRequest,
    settings: RunSettings,
    *,
    shots: Sequence[int],
    seeds: Sequence[int],
    recipe: RecipeOptions,
    base_weights: Path | None,
    cache: Path,
    out: Path,
    tell: Callable[[str], None],
) -> Iterator[ContextCard]:
    """Learn and write a context for each number of shots and each seed, one after another.

    The model can be opened again with `base` and `base_weights`. `tell` gets lines about what was read from
    the data, and what was changed in the model's files and in decoded images.

    Raises:
        VlbenchError: as in fitting/coop.py, or the task has no training split.
    """
    opened = open_training(task, catalogue, request=data)
    training, card = opened.task, opened.card
    for line in (*settings.said, reading_line(training.name, what_was_read(training))):
        tell(line)
    epochs = card.train.epochs if card and card.train else None
    half = half_name(task)
    whole = training if half is None else open_training(half[0], catalogue, request=data).task
    recipes = _recipes(recipe, epochs, shots, seeds)
    labels, whole_labels = labels_of(training), labels_of(whole).tolist()
    tested = _tested(task, catalogue, data)
    images = training.problem.images
    with closing(Pool(settings, tell)) as pool:
        frozen = Frozen.of(named.checkpoint, pool, name=base)
        if changes := frozen.model.info.changes:
            tell(f"{named.checkpoint.name}: {'; '.join(changes)}")
        for each in recipes:
            chosen = sample(whole_labels, each.shots, each.seed)
            if half is not None:
                classes = len(whole.problem.texts)
                chosen = positions_in_half(chosen, whole_labels, classes=classes, half=half[1])
            found: dict[int, tuple[str, ...]] = {}
            few = Few(watched(images, found), tuple(chosen), labels[chosen])
            fitted = fit(frozen, training, few, each, cache)
            if settings.executor != "local":  # workers opened them, and what they found is not here
                for index in chosen:
                    few.source[index].image()
            decoding = decoding_text((images[index].id, said) for index, said in sorted(found.items()))
            if decoding:
                tell(f"{training.name}: decoded {decoding}")
            written = write_card(
                fitted,
                each,
                row_name(named.checkpoint.name, training.name, each, epochs=epochs),
                out,
                task=training.name,
                base_weights=base_weights,
                seen=seen_after(named.card, card, training.name),
            )
            if tested is not None:
                written = replace(written, tested=seen_among(tested, written.learned_from, cache))
            yield written


def _recipes(
    asked: RecipeOptions, epochs: int | None, shots: Sequence[int], seeds: Sequence[int]
) -> list[CoopRecipe]:
    """A recipe for each number of shots and each seed; `epochs` are the task's own, if it has any."""
    changes = cast("dict[str, Any]", dict(asked))
    stated = changes.pop("epochs", None) or epochs
    return [
        replace(CoopRecipe(epochs=stated or default_epochs(count), shots=count, seed=seed), **changes)
        for count in shots
        for seed in seeds
    ]


def _tested(task: str, catalogue: Catalogue, data: DataRequest) -> Dataset | None:
    """The test images of a task; None if its data are not here.

    A folder (`KIND:FOLDER`) has no separate test images.
    """
    try:
        asked = open_task(task, catalogue, request=replace(data, allow_subset=True, limit=None)).task
    except DataError:
        return None
    return asked.problem.images
