"""The source `shapes`: scenes of a small rendered world, with labels, captions or tags."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, get_args

from vlbench.core.contracts import Example, Offers, Place, Target
from vlbench.core.digest import digest_of
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
) -> "ShapeScenes":
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
    return ShapeScenes(question=question, split=split, count=count, seed=seed, style=style)


@dataclass(frozen=True, slots=True)
class ShapeScenes:
    """Scenes with what one question asks of them; equal images have equal ids and fingerprints."""

    question: Question
    split: Split
    count: int
    seed: int
    style: Style = "plain"

    @property
    def name(self) -> str:
        """The source's name in results."""
        return "-".join((f"shapes/{self.population}", self.split, *self._other_style))

    @property
    def population(self) -> Population:
        """How many things a scene holds."""
        return "single" if self.question == "label" else "several"

    @property
    def revision(self) -> str:
        """Digest of the world's version and of what names the scenes and their style."""
        return digest_of(
            [WORLD_VERSION, self.population, self.split, self.seed, self.count, *self._other_style]
        )

    @property
    def offers(self) -> Offers:
        """Nothing: the cards state names and templates."""
        return Offers()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        position = self._position(index)
        return Example(
            id="-".join((self.population, self.split, *self._other_style, str(self.seed), f"{position:05d}")),
            image=partial(_open, self.population, self.split, self.seed, position, self.style),
            target=self.target(position),
        )

    def target(self, index: int) -> Target:
        """The label, the captions or the tags of a scene."""
        position = self._position(index)
        if self.question == "captions":
            return Target(captions=_captions(self.split, self.seed, self.count)[position])
        things = _scene(self.population, self.split, self.seed, position).things
        if self.question == "tags":
            colours = {COLOUR_NAMES[thing.colour] for thing in things}
            return Target(tags=tuple(sorted(colours | {SHAPES[thing.shape] for thing in things})))
        return Target(label=f"{COLOUR_NAMES[things[0].colour]} {SHAPES[things[0].shape]}")

    def fingerprint(self, index: int) -> str:
        """The world's version and what names the scene and its style; the question is no part of it."""
        parts = (WORLD_VERSION, self.population, self.split, self.seed, self._position(index))
        return "|".join(("shapes", *map(str, parts), *self._other_style))

    @property
    def _other_style(self) -> tuple[str, ...]:
        """The style where it is not plain: plain scenes were named before there were others."""
        return () if self.style == "plain" else (self.style,)

    def _position(self, index: int) -> int:
        if not -self.count <= index < self.count:
            raise IndexError(f"scene {index} of {self.count}")
        return index % self.count


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
