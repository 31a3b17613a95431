"""The source `shapes`: scenes of a small rendered world, with labels, captions, tags or items."""

from functools import cache, partial
from typing import TYPE_CHECKING, Literal, get_args

from vlbench.core.contracts import Dataset, Example, Offers, Place, Target
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError
from vlbench.core.item import Item
from vlbench.datasets.shapes.captions import write_caption, write_captions
from vlbench.datasets.shapes.items import draw_items
from vlbench.datasets.shapes.world import (
    COLOUR_NAMES,
    SHAPES,
    WORLD_VERSION,
    Population,
    Scene,
    Split,
    Style,
    draw_scene,
    render,
)

if TYPE_CHECKING:
    from PIL.Image import Image

Question = Literal["label", "captions", "tags", "items", "caption"]
"""`label` and `caption` are asked about scenes with one thing; `captions` and `tags` about scenes with two to
four.

`items` is asked about those of the latter with two things, and about changed versions of these scenes.
"""

_CAPTION_KEY = 7
_STYLE_MARK: dict[Style, tuple[str, ...]] = {"plain": (), "outline": ("outline",)}
"""What a style adds to names. Plain scenes had their names before there were other styles."""


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
    """Scenes 0 to count - 1 of a split and a seed, rendered on demand, the same on every machine.

    A label is a colour and a shape ("red circle"); tags are the colours and shapes in the image. A caption
    says one thing in other words than prompts do, and may be true of many images. Each of the five captions
    is true only of its own image among the count. With `items`, there are `count` items, each
    with two captions and one or two scenes. A style renders the same scenes in another way: `outline` has
    thin coloured lines on a busy ground.

    Raises:
        CardError: an option is none of the above.

    >>> dataset = shapes(Place(), question="label", count=2)
    >>> dataset[0].image().size
    (64, 64)
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
    if question == "items":
        return _items(split, seed, style, count)
    population, mark = _population(question), _STYLE_MARK[style]
    return Dataset(
        name="-".join((f"shapes/{population}", split, *mark)),
        revision=digest_of([WORLD_VERSION, population, split, seed, count, *mark]),
        examples=Examples(partial(_example, question, split, seed, style, count), count),
    )


def _population(question: Question) -> Population:
    return "single" if question in ("label", "caption") else "several"


def _items(split: Split, seed: int, style: Style, count: int) -> Dataset:
    """Items of two captions; the scene of a second caption follows that of the first."""
    examples: list[Example] = []
    items: list[Item] = []
    for number, drawn in enumerate(draw_items(count, split, seed)):
        start = len(examples)
        for side, scene in enumerate(drawn.scenes):
            id_, key = _names("several", split, seed, style, drawn.index)
            if side:
                id_, key = f"{id_}-changed", f"{key}|{drawn.kind}"
            examples.append(Example(id_, partial(_draw, scene, style), Target(), key=key))
        turned = drawn.index % 2  # so that no place of a caption is the right one
        texts = [caption.text for caption in drawn.captions]
        items.append(
            Item(
                id=f"{number:05d}",
                images=tuple(range(start, len(examples))),
                texts=(texts[turned], texts[1 - turned]),
                right=tuple((side, side ^ turned) for side in range(len(drawn.scenes))),
                labels={"class": drawn.kind},
            )
        )
    return Dataset(
        name="-".join(("shapes/items", split, *_STYLE_MARK[style])),
        revision=digest_of([WORLD_VERSION, "items", split, seed, count, *_STYLE_MARK[style]]),
        examples=tuple(examples),
        offers=Offers(items=tuple(items)),
    )


def _example(question: Question, split: Split, seed: int, style: Style, count: int, index: int) -> Example:
    """The example of a scene with its target. Its id and key name the scene, not the question."""
    population = _population(question)
    if question == "captions":
        target = Target(captions=_captions(split, seed, count)[index])
    else:
        scene = draw_scene(population=population, split=split, seed=seed, index=index)
        named = [(COLOUR_NAMES[thing.colour], SHAPES[thing.shape]) for thing in scene.things]
        label, tags = " ".join(named[0]), tuple(sorted({word for words in named for word in words}))
        if question == "caption":
            target = Target(captions=(_caption(scene),))
        else:
            target = Target(label=label) if question == "label" else Target(tags=tags)
    id_, key = _names(population, split, seed, style, index)
    return Example(id_, partial(_open, population, split, seed, index, style), target, key=key)


def _names(population: Population, split: Split, seed: int, style: Style, index: int) -> tuple[str, str]:
    """The id and the key of a scene."""
    mark = _STYLE_MARK[style]
    made = ("shapes", WORLD_VERSION, population, split, seed, index, *mark)
    return "-".join((population, split, *mark, str(seed), f"{index:05d}")), "|".join(map(str, made))


def _caption(scene: Scene) -> str:
    return write_caption(scene, (_CAPTION_KEY,))


@cache
def _captions(split: Split, seed: int, count: int) -> tuple[tuple[str, ...], ...]:
    scenes = [draw_scene(population="several", split=split, seed=seed, index=i) for i in range(count)]
    return write_captions(scenes, (_CAPTION_KEY,))


def _open(population: Population, split: Split, seed: int, index: int, style: Style) -> "Image":
    return _draw(draw_scene(population=population, split=split, seed=seed, index=index), style)


def _draw(scene: Scene, style: Style) -> "Image":
    from PIL import Image

    return Image.fromarray(render(scene, style))
