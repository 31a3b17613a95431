"""Learns on top of a frozen model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, Unpack

from vlbench.api.request import one_model, one_task, refuse_method
from vlbench.api.runs import run
from vlbench.api.surroundings import in_steps, undisturbed
from vlbench.cards.build import NamedModel
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.errors import UnknownName, VlbenchError
from vlbench.fitting.coop_recipe import RecipeOptions
from vlbench.fitting.react_recipe import ReactOptions, ReactRecipe
from vlbench.flag import whole, wholes
from vlbench.models.memory.held import HeldModel
from vlbench.options import Keywords, Options

if TYPE_CHECKING:
    from vlbench.fitting.context_card import ContextCard
    from vlbench.fitting.react_base import Base
    from vlbench.fitting.react_card import ReactCard

Changes = TypeVar("Changes", RecipeOptions, ReactOptions)


def fit_coop(
    model: str,
    task: str,
    *,
    shots: Sequence[int] = (16,),
    seeds: Sequence[int] = (1,),
    recipe: RecipeOptions | None = None,
    out: Path | str = "fitted",
    tell: Callable[[str], None] = lambda _: None,
    **options: Unpack[Keywords],
) -> "Iterator[ContextCard]":
    """Learn a CoOp context for each number of shots and each seed. Each is written as soon as it is learned.

    A context file and a model card for each are written to `out`; the options are those of `evaluate`.
    `tested` of a card counts its training images that are test images of the task; None where the test images
    are not here. `tell` gets lines about what was read from the data and the model's files.

    Raises:
        VlbenchError: a name, a file or an option is wrong, or the task has no training split.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     options = {"device": "cpu", "cache": folder, "out": folder}
    ...     (card,) = fit_coop("tiny-clip", "shapes", shots=[1], recipe={"epochs": 1}, **options)
    >>> card.name, len(card.learned_from)
    ('coop-tiny-clip-shapes-1shot-ep1-seed1', 16)
    """
    read = Options.of(options)
    refuse_method(read, "fit")
    named = one_model(model, read, "fit")
    if not isinstance(task, str):
        raise VlbenchError(f"fit learns from a task by its name, not from a {type(task).__name__}")
    from vlbench.fitting.sweep import learn  # and torch

    made = learn(
        named,
        model,
        task,
        read_catalogue(read.include_path),
        read.data,
        read.settings,
        shots=wholes("shots", shots, 1),
        seeds=wholes("seeds", seeds),
        recipe=_changes(recipe, RecipeOptions),
        base_weights=read.weights,
        cache=read.cache,
        out=Path(out),
        tell=tell,
    )
    return in_steps(made)


def fit_react(
    model: str,
    pairs: Path | str,
    *,
    mode: Literal["gated-image", "locked-text"],
    name: str = "",
    seeds: Sequence[int] = (1,),
    recipe: ReactOptions | None = None,
    at_once: int = 512,
    validate: str | None = None,
    every: int = 500,
    out: Path | str = "fitted",
    tell: Callable[[str], None] = lambda _: None,
    **options: Unpack[Keywords],
) -> "Iterator[ReactCard]":
    r"""Tune a model's image tower on pairs with REACT's recipe, once a seed; each is written as it ends.

    `pairs` is a folder of images with captions, or the name of a task whose training split they are. A model
    and its card are written to `out`. `at_once` images are in memory together. Every `every` steps the state
    is kept, from which an interrupted fit goes on, and the model is scored on the task `validate`.
    `name` is that of the leaderboard row, by default made of the model, the pairs and the recipe. The options
    are those of `evaluate`; `tell` gets lines about what was read from the data and the model's files.

    Raises:
        VlbenchError: a name, a file or an option is wrong, the fit ends before its warm-up does, or images of
            `validate` are among the pairs.

    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> from vlbench import load_task
    >>> with TemporaryDirectory() as folder:
    ...     lines = []
    ...     for example in load_task("shapes-retrieval", limit=4).problem.images.examples:
    ...         example.image().save(f"{folder}/{example.id}.png")
    ...         line = {"file_name": f"{example.id}.png", "text": example.target.captions}
    ...         lines.append(json.dumps(line))
    ...     _ = Path(folder, "metadata.jsonl").write_text("\n".join(lines))
    ...     recipe = {"epochs": 1, "warm_up": 0, "batch_size": 2}
    ...     given = {"device": "cpu", "cache": f"{folder}/cache", "out": f"{folder}/fitted"}
    ...     (card,) = fit_react("tiny-clip", folder, mode="locked-text", recipe=recipe, **given)
    >>> len(card.learned_from)
    4
    """
    read = Options.of(options)
    refuse_method(read, "fit")
    every, at_once = whole("every", every, 1), whole("at_once", at_once, 1)
    named = one_model(model, read, "fit")
    from vlbench.fitting.react import Watch  # and torch
    from vlbench.fitting.react_seeds import learn

    watch = Watch(every)
    if validate is not None:
        task = one_task(validate, replace(read, weights=None))
        watch = Watch(every, task, f"{task.primary} of {task.name}", partial(_score, validate, read))

    made = learn(
        named,
        str(pairs),
        read_catalogue(read.include_path),
        read.data,
        read.alone("fit react"),
        seeds=wholes("seeds", seeds),
        recipe=ReactRecipe(mode, **_changes(recipe, ReactOptions)),
        name=name,
        at_once=at_once,
        watch=watch,
        cache=read.cache,
        out=Path(out),
        tell=tell,
    )
    return in_steps(made)


def _changes(recipe: Changes | None, known: type[Changes]) -> Changes:
    """What a recipe changes, of the known options."""
    if recipe is not None and not isinstance(recipe, Mapping):
        raise VlbenchError(f"recipe is {recipe!r}; give a mapping of its options")
    for name in recipe or ():
        if name not in known.__annotations__:
            raise UnknownName("option of a recipe", name, known.__annotations__)
    return recipe or known()


def _score(task: str, options: Options, base: "Base") -> float | None:
    """The primary metric of a task for a model that is being tuned."""
    from vlbench.models.memory.checkpoint import as_checkpoint  # and torch

    model = base.model
    held = HeldModel(
        model.info.name,
        base.network,
        lambda image: model.normalisation(model.preprocess(image)[None])[0],
        base.tokenizer,
    )
    with undisturbed(), as_checkpoint(held) as tuned:
        (result,) = run(NamedModel(tuned, None), task, replace(options, weights=None, results=None))
    return result.score
