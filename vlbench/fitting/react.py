"""`fit react`: tunes an image tower on pairs, step by step; an interrupted fit goes on at its last state."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Dataset, Text
from vlbench.core.digest import digest_of, digest_of_strings
from vlbench.core.errors import DataError, LacksMemory
from vlbench.core.image import seen_among
from vlbench.core.machine import is_out_of_memory
from vlbench.core.task import Task
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.plan import space_of, text_key
from vlbench.engine.settings import RunSettings
from vlbench.fitting.fit_state import STATE_FILE, read_state, write_state
from vlbench.fitting.pair_batches import MicroBatch, Pairs, read_batches
from vlbench.fitting.react_base import Base
from vlbench.fitting.react_learner import Learner
from vlbench.fitting.react_recipe import ReactRecipe, learning_rate, steps_of

Score = Callable[[Base], float | None]
"""A function that scores a model as it is now; None where its metric has no value."""


@dataclass(frozen=True, slots=True)
class Watch:
    """When a fit is looked at: every so many steps, its state is written and it is scored on a task.

    `name` tells what is scored, as in `acc1 of shapes`; None if nothing is.
    """

    every: int
    task: Task | None = None
    name: str = ""
    score: Score | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A step of a fit: the mean loss of the steps since the last point, and the score, if one is asked
    for."""

    step: int
    loss: float
    score: float | None


def refuse_seen(watch: Watch, learned: Sequence[str], cache: Path) -> None:
    """Refuse to score a fit on images that it learns from.

    Raises:
        DataError: there are such images; the message counts them.
    """
    if watch.task is None:
        return
    count = seen_among(watch.task.problem.images, learned, cache)
    if count:
        raise DataError(
            f"{watch.task.name}: {count} of its {len(watch.task.problem.images)} images are among the pairs "
            "to learn from; take them out of the pairs, or name another --validate"
        )


def tune(
    base: Base,
    pairs: Pairs,
    recipe: ReactRecipe,
    settings: RunSettings,
    cache: Path,
    *,
    at_once: int,
    watch: Watch,
) -> list[Point]:
    """Tune a model in place, and return its course.

    Raises:
        DataError: an image does not decode.
        NotFinite: the loss is no number.
        LacksMemory: the device has too little for so many images at once.
        VlbenchError: the steps end before the warm-up does.
    """
    steps = steps_of(recipe, len(pairs.source))
    path = cache / "fit" / _key(base, pairs, recipe, settings, at_once, watch) / STATE_FILE
    learner = Learner.start(base.network, recipe, base.placement)
    course = _go_on(learner, path)
    done = course[-1].step if course else 0
    losses: list[float] = []
    batches = read_batches(pairs.source, base, recipe, first=done, at_once=at_once, workers=settings.workers)
    place = cache / "features" / space_of(base.identity.text, settings, settings.device)
    with closing(batches), FeatureSpace(place, base.model.info.name) as space:
        if done < steps:
            _encode_captions(base, pairs.source, space, settings)
        progress = tqdm(batches, initial=done, total=steps, unit="step", desc="fit", disable=None)
        for step, parts in enumerate(progress, done):
            captions = [text_key(Text(caption)) for part in parts for caption in part.captions]
            texts = torch.from_numpy(space.gather(captions)).to(settings.device)
            losses.append(_step(learner, base, parts, texts, learning_rate(step, steps, recipe)))
            progress.set_postfix(_told(losses[-1], course, watch))
            if (step + 1) % watch.every == 0 or step + 1 == steps:
                score = None if watch.score is None else watch.score(base)
                course.append(Point(step + 1, sum(losses) / len(losses), score))
                losses.clear()
                _keep(learner, course, path)
    return course


def _encode_captions(base: Base, source: Dataset, space: FeatureSpace, settings: RunSettings) -> None:
    """Store features of all captions that are not stored: the text tower is locked, so once is enough."""
    captions = {caption for example in source.examples for caption in example.target.captions}
    texts = {text_key(text): text for text in map(Text, sorted(captions))}
    keys = [key for key in texts if key not in space]
    executor = LocalExecutor(lambda: base.model, settings, loaded=base.model)
    for positions, features in executor.encode_texts([texts[key] for key in keys]):
        space.append([keys[place] for place in positions], features, f"captions of {source.name}")


def _step(learner: Learner, base: Base, parts: Sequence[MicroBatch], texts: Tensor, rate: float) -> float:
    try:
        return learner.step([partial(part.normalised, base.model) for part in parts], texts, rate)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise LacksMemory(
            f"{base.placement.device} has too little memory for {len(parts[0].captions)} images at once; "
            "give a lower --at-once, which changes no gradient"
        ) from error


def _told(loss: float, course: Sequence[Point], watch: Watch) -> dict[str, str]:
    """What the progress bar says: the loss, and the last score."""
    score = course[-1].score if course else None
    return {"loss": f"{loss:.3f}"} | ({} if score is None else {watch.name: f"{score:.3f}"})


def _key(
    base: Base,
    pairs: Pairs,
    recipe: ReactRecipe,
    settings: RunSettings,
    at_once: int,
    watch: Watch,
) -> str:
    """A key of everything that determines the tuned model and its course."""
    captions = (caption for each in pairs.source.examples for caption in (*each.target.captions, ""))
    return digest_of(
        {
            "model": base.identity.whole,
            "images": digest_of_strings(pairs.digests),
            "captions": digest_of_strings(captions),
            "recipe": dict(recipe.as_facts()),
            "at_once": at_once,
            "watch": [watch.every, watch.name],
            "place": [settings.precision, settings.device.partition(":")[0]],
            "code": digest_of_code(__name__),
        }
    )


def _go_on(learner: Learner, path: Path) -> list[Point]:
    """Continue from a state, if there is one. Returns the course up to there."""
    state, numbers = read_state(path)
    if not state:
        return []
    learner.go_on(state)
    rows = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return [Point(int(step), loss, None if score != score else score) for step, loss, score in rows]


def _keep(learner: Learner, course: Sequence[Point], path: Path) -> None:
    numbers = [
        value
        for each in course
        for value in (each.step, each.loss, float("nan") if each.score is None else each.score)
    ]
    write_state(path, learner.state(), numbers)
