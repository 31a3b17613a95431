"""The source `shapes`: scenes of a small rendered world, with labels, captions or tags."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, get_args

from vlbench.core.contracts import Dataset, Example, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of, digest_of_strings
from vlbench.core.errors import CardError
from vlbench.sources.shape_world import (
    COLOUR_NAMES,
    SHAPES,
    WORLD_VERSION,
    Population,
    Scene,
    Split,
    Style,
    draw_scene,
)

if TYPE_CHECKING:
    from PIL.Image import Image

Question = Literal["label", "captions", "tags"]
"""`label` is asked of scenes of one thing, `captions` and `tags` of the same scenes of two to four."""

_CAPTION_KEY = 7


def shapes(
    place: Place,
    /,
    *,
    question: Question = "label",
    split: Split = "test",
    count: int = 640,
    seed: int = 0,
    style: Style = "plain",
) -> Dataset:
    """Scenes 0 to count - 1 of a split and a seed; drawn when asked for, the same on every machine.

    A label is a colour and a shape ("red circle"), tags are the colours and the shapes on the image,
    and each of the five captions is true of its image only among the count. A style draws the same
    scenes in another way: `outline` in thin lines of their colours on a busy ground.

    Raises:
        CardError: an option is not one of those above.
    """
    del place
    for name, value, known in (
        ("question", question, get_args(Question)),
        ("split", split, get_args(Split)),
        ("style", style, get_args(Style)),
    ):
        if value not in known:
            raise CardError(f"source shapes: {name} is {value!r}; choose one of {', '.join(known)}")
    for name, number, least in (("count", count, 1), ("seed", seed, 0)):
        if type(number) is not int or number < least:
            raise CardError(f"source shapes: {name} is {number!r}; give an integer of at least {least}")
    population: Population = "single" if question == "label" else "several"
    scenes = Scenes(question, population, split, count, seed, style)
    other = scenes.other_style
    return Dataset(
        name="-".join((f"shapes/{population}", split, *other)),
        revision=digest_of([WORLD_VERSION, population, split, seed, count, *other]),
        examples=Examples(scenes.example, count),
    )


@dataclass(frozen=True, slots=True)
class Scenes:
    """Scenes with what one question asks of them; equal images have equal ids and states."""

    question: Question
    population: Population
    split: Split
    count: int
    seed: int
    style: Style

    @property
    def other_style(self) -> tuple[str, ...]:
        """The style where it is not plain: plain scenes were named before there were others."""
        return () if self.style == "plain" else (self.style,)

    def example(self, index: int) -> Example:
        """A scene; its state is the world's version and what names the scene, not the question."""
        drawn = self.population, self.split, self.seed, index
        state = ("shapes", WORLD_VERSION, *drawn, *self.other_style)
        return Example(
            id="-".join((self.population, self.split, *self.other_style, str(self.seed), f"{index:05d}")),
            image=partial(_open, *drawn, self.style),
            target=self._target(index),
            key=digest_of_strings(["|".join(map(str, state))]),
        )

    def _target(self, index: int) -> Target:
        if self.question == "captions":
            return Target(captions=_captions(self.split, self.seed, self.count)[index])
        things = _scene(self.population, self.split, self.seed, index).things
        if self.question == "tags":
            colours = {COLOUR_NAMES[thing.colour] for thing in things}
            return Target(tags=tuple(sorted(colours | {SHAPES[thing.shape] for thing in things})))
        return Target(label=f"{COLOUR_NAMES[things[0].colour]} {SHAPES[things[0].shape]}")


@cache
def _scene(population: Population, split: Split, seed: int, index: int) -> Scene:
    return draw_scene(population=population, split=split, seed=seed, index=index)


@cache
def _captions(split: Split, seed: int, count: int) -> tuple[tuple[str, ...], ...]:
    from vlbench.sources.shape_captions import write_captions

    scenes = [_scene("several", split, seed, index) for index in range(count)]
    return write_captions(scenes, (_CAPTION_KEY,))


def _open(population: Population, split: Split, seed: int, index: int, style: Style) -> "Image":
    from PIL import Image

    from vlbench.sources.shape_drawing import render

    return Image.fromarray(render(_scene(population, split, seed, index), style))
