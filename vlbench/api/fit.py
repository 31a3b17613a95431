"""Learns on top of a frozen model."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from vlbench.api.request import refuse_method, resolve
from vlbench.cards.catalogue import read_catalogue
from vlbench.fitting.coop_recipe import RecipeOptions
from vlbench.options import Keywords, Options

if TYPE_CHECKING:
    from vlbench.fitting.context_card import ContextCard


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
    (named,), _ = resolve(model, (), read)
    from vlbench.fitting.sweep import learn  # and torch

    return learn(
        named,
        model,
        task,
        read_catalogue(read.include_path),
        read.data,
        read.alone("fit"),
        shots=shots,
        seeds=seeds,
        recipe=recipe or {},
        base_weights=read.weights,
        cache=read.cache,
        out=Path(out),
        tell=tell,
    )
