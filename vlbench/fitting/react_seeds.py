"""Models tuned on pairs with REACT's recipe, one for each seed, written as they are ready."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.cards.build import NamedModel
from vlbench.cards.catalogue import Catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import RESERVED
from vlbench.core.contracts import Text
from vlbench.core.errors import VlbenchError
from vlbench.core.image import decoding_text, image_digests, watched
from vlbench.core.task_reading import reading_line, what_was_read
from vlbench.engine.settings import RunSettings
from vlbench.fitting.pair_batches import Pairs, open_pairs
from vlbench.fitting.react import Watch, refuse_seen, tune
from vlbench.fitting.react_base import open_base
from vlbench.fitting.react_card import ReactCard, row_name, write_model
from vlbench.fitting.react_recipe import ReactRecipe, steps_of
from vlbench.fitting.seen import seen_after


def learn(
    named: NamedModel,
    pairs: str,
    catalogue: Catalogue,
    data: DataRequest,
    settings: RunSettings,
    *,
    seeds: Sequence[int],
    recipe: ReactRecipe,
    name: str,
    at_once: int,
    watch: Watch,
    cache: Path,
    out: Path,
    tell: Callable[[str], None],
) -> Iterator[ReactCard]:
    """Tune and write a model for each seed, one after another.

    `name` is the row's, if it has one of its own. `tell` gets lines about what was read from the pairs, and
    what was changed in the model's files and in decoded images.

    Raises:
        VlbenchError: as in fitting/react.py, or the pairs cannot be opened.
    """
    if RESERVED & set(name) or name.startswith("."):
        raise VlbenchError(
            f"--name {name!r}: a model's name may not contain any of {' '.join(sorted(RESERVED))!r}, nor "
            "begin with a dot; give another"
        )
    opened = open_pairs(pairs, catalogue, data)
    of_pairs, images = opened.task.name, opened.task.problem.images
    tell(reading_line(of_pairs, what_was_read(opened.task)))
    steps = steps_of(recipe, len(images))  # before anything is digested or loaded
    before = named.checkpoint.identify().learned_from
    digests = image_digests(images, cache)
    learned_from = tuple(sorted({*before, *digests}))
    refuse_seen(watch, learned_from, cache)
    for number, seed in enumerate(seeds):
        own = replace(recipe, seed=seed)
        base = open_base(named.checkpoint, own, settings)
        changes = "; ".join(base.model.info.changes)
        for line in (f"{named.checkpoint.name}: {changes}" if changes else "", *base.remarks):
            if line and not number:
                tell(line)
        if not number:
            captions = [Text(each) for example in images.examples for each in example.target.captions]
            if cut := base.model.cut(captions):
                tell(f"{of_pairs}: {len(cut)} captions are longer than the model reads, and cut")
        found: dict[int, tuple[str, ...]] = {}
        course = tune(
            base,
            Pairs(watched(images, found), digests),
            own,
            settings,
            cache,
            at_once=at_once,
            watch=watch,
        )
        if decoding := decoding_text((images[place].id, said) for place, said in sorted(found.items())):
            tell(f"{of_pairs}: decoded {decoding}")
        yield write_model(
            base,
            course,
            own,
            out,
            named=named.checkpoint.name,
            pairs=of_pairs,
            row=name or row_name(named.checkpoint.name, of_pairs, own),
            scored=watch.name,
            facts={
                "images": len(images),
                "steps": steps,
                "at_once": at_once,
                "precision": settings.precision,
                "data_revision": images.revision,
            },
            learned_from=learned_from,
            seen=seen_after(named.card, opened.card, of_pairs),
        )
