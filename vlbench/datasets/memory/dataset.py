"""Data in memory as a data set, whose images are found in the store by their content alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

from tqdm import tqdm

from vlbench.core.contracts import Dataset, Example, Offers, Target, Text
from vlbench.core.dataset import Examples
from vlbench.core.digest import digest_of_strings
from vlbench.core.errors import DataError
from vlbench.core.image import key_of
from vlbench.core.method import SplitName
from vlbench.core.reading import Reading, Tally
from vlbench.datasets.memory.held import KIND_OF, HeldData, Truth
from vlbench.datasets.memory.items import HeldItems, items_of
from vlbench.datasets.readers.annotation import names_of, text_of

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of an item: its whole truth, and a digest of its bytes, or of pixels without bytes."""

    target: Target
    state: str


def held_dataset(held: HeldData) -> tuple[str, Dataset]:
    """The kind of task that data in memory make, and the data set, for whose digests all images are read.

    Raises:
        DataError: an item is no image with its truth, several truths are stated, numbers have no names, or
            an image differs each time it is read.
    """
    truth, found = _dataset(held, f"memory:{held.name or 'data'}", None)
    if held.unused:
        reading = found.reading
        remarks = (*reading.remarks, f"splits that are not used: {', '.join(held.unused)}")
        found = replace(found, reading=replace(reading, remarks=remarks))
    return KIND_OF[truth], found


def held_split(held: HeldData, split: SplitName, kind: str, names: Sequence[Text]) -> Dataset:
    """A split of data in memory, whose labels are among the `names` of the data that are scored.

    Raises:
        DataError: as `held_dataset`, or the split names other classes or has another truth.
    """
    truth = next(truth for truth, of in KIND_OF.items() if of == kind)
    of_split = replace(held, data=held.splits[split], truth=truth)
    try:
        return _dataset(of_split, f"memory:{held.name or 'data'}/{split}", names)[1]
    except DataError as error:
        label, _, told = str(error).partition(": ")
        raise DataError(f"{label}: its {split} split: {told}") from error


def _dataset(held: HeldData, name: str, given: Sequence[Text] | None) -> tuple[Truth, Dataset]:
    """What data state, and the data set called `name`, with the names `given` to it, else its own."""
    label = held.name or "data in memory"
    tally = Tally()
    try:
        items = items_of(held.data, held.truth, tally)
        read = _read(items, len(held.data))
        left_out = tally.left_out
        _image(items, read, 0)
        truth = _truth([each.target for each in read], held.truth)
        targets = [_alone(each.target, truth) for each in read]
        names = _texts(held.classnames) or items.names
        if given is None:
            names = names or names_of(targets)
            _refuse_another_order(names, items.names)
        else:
            _refuse_others(items.names, given)
            names = tuple(given)
        _refuse_nameless(targets, names)
    except DataError as error:
        raise DataError(f"{label}: {error}") from error
    remarks = (items.remark,) if items.remark else ()
    return truth, Dataset(
        name=name,
        revision=digest_of_strings(
            f"{each.state} {target}" for each, target in zip(read, targets, strict=True)
        ),
        examples=Examples(partial(_example, items, read, targets), len(read)),
        offers=Offers(names=names if truth != "captions" else (), templates=held.templates),
        reading=Reading("memory", items.labels, left_out, remarks),
    )


def _read(items: HeldItems, count: int) -> list[_Read]:
    """The truth and the state of each item [n].

    Raises:
        DataError: there is no item.
    """
    progress = tqdm(range(count), unit="img", desc="items", disable=None, leave=None)
    found = [_read_of(items.read(index)) for index in progress]
    if not found:
        raise DataError("there is no item; a task needs images")
    return found


def _read_of(item: Example) -> _Read:
    return _Read(item.target, key_of(item.image(), item))


def _image(items: HeldItems, read: Sequence[_Read], index: int) -> "Image":
    """The image at a position, read again.

    Raises:
        DataError: it or its truth is another one than before, so that a score would be of no data at all.
    """
    item = items.read(index)
    image = item.image()
    if _Read(item.target, key_of(image, item)) != read[index]:
        raise DataError(
            f"item {index} is another one each time it is read; leave random transforms and shuffling out"
        )
    return image


def _example(items: HeldItems, read: Sequence[_Read], targets: Sequence[Target], index: int) -> Example:
    return Example(str(index), partial(_image, items, read, index), targets[index], read[index].state)


def _truth(targets: Sequence[Target], asked: Truth | None) -> Truth:
    """What the items state about their images; the one asked for where there are several."""
    stated = [each for each in KIND_OF if any(_has(target, each) for target in targets)]
    if asked is not None and asked not in stated:
        raise DataError(f"no item has {asked}; they have {' and '.join(stated) or 'nothing'}")
    if asked is None and len(stated) != 1:
        several = (
            f"the items have {' and '.join(stated)}: say which are asked for, vlbench.data(data, truth=...)"
        )
        raise DataError(several if stated else "no item has a label, captions or tags; call its truth so")
    return asked or stated[0]


def _has(target: Target, truth: Truth) -> bool:
    return bool(target.captions) if truth == "captions" else getattr(target, truth) is not None


def _alone(target: Target, truth: Truth) -> Target:
    """The target with this truth alone."""
    if truth == "tags":
        return replace(target, label=None, captions=())
    kept = {truth: getattr(target, truth)}
    return Target(group=target.group, **kept)


def _texts(names: Sequence[str]) -> tuple[Text, ...]:
    """Texts of names in the order of their numbers; one that stands twice is told apart by its number."""
    counts = Counter(names)
    texts = map(text_of, names)
    return tuple(
        replace(text, ids={"index": str(i)}) if counts[name] > 1 else text
        for i, (name, text) in enumerate(zip(names, texts, strict=True))
    )


def _refuse_another_order(names: Sequence[Text], own: Sequence[Text]) -> None:
    given, stated = ([text.name for text in texts] for texts in (names, own))
    if given != stated and sorted(given) == sorted(stated):
        raise DataError(
            "classnames are the data's own in another order, and its labels are numbers in its order "
            f"({', '.join(stated)}); leave them out"
        )


def _refuse_others(names: Sequence[Text], given: Sequence[Text]) -> None:
    """Refuse names that a split states itself where they are others, for numbers would mean other classes."""
    for mine, theirs in zip_longest((each.name for each in names), (each.name for each in given)):
        if names and mine != theirs:
            raise DataError(f"names other classes, {mine!r} where the test has {theirs!r}; state the same")


def _refuse_nameless(targets: Sequence[Target], names: Sequence[Text]) -> None:
    numbers = [
        each for target in targets for each in (target.label, *(target.tags or ())) if isinstance(each, int)
    ]
    if numbers and not names:
        raise DataError(
            f"the numbers {min(numbers)} to {max(numbers)} have no names; "
            "pass them in their order: vlbench.data(data, classnames=[...])"
        )
