"""Lazy examples, parts of data sets, and classes of version 0.1."""

from dataclasses import dataclass, replace

import pytest

from vlbench.core.contracts import Dataset, Example, Offers, Target
from vlbench.core.dataset import Examples, as_dataset, subset
from vlbench.core.item import Item
from vlbench.core.reading import LeftOut, Reading

OFFERS = Offers(templates=("the letter {}",))


def letter(index: int) -> Example:
    return Example("abcd"[index], print, Target(label="ABCD"[index]), f"f{index}")


LETTERS = Dataset(
    "letters", "7", Examples(letter, 4), OFFERS, Reading("drawn", left_out=(LeftOut(1, "w", "e"),))
)


def test_examples_are_a_sequence_made_when_asked() -> None:
    made: list[int] = []
    examples = Examples(lambda i: (made.append(i), letter(i))[1], 4)
    assert (len(examples), made) == (4, [])
    assert (examples[-1].id, [each.id for each in examples[1:3]]) == ("d", ["b", "c"])
    assert made == [3, 1, 2]
    assert [each.id for each in examples] == ["a", "b", "c", "d"]
    with pytest.raises(IndexError):
        examples[4]


def test_a_subset_answers_as_its_data_set_does_at_its_indices() -> None:
    part = subset(LETTERS, (3, 0, 0))
    assert [each.id for each in part.examples] == ["d", "a", "a"]
    assert [part[i].target.label for i in range(3)] == ["D", "A", "A"]
    assert [each.state for each in part.examples] == ["f3", "f0", "f0"]
    assert replace(part, examples=LETTERS.examples) == LETTERS


def test_a_subset_keeps_the_items_of_its_images_at_their_new_places() -> None:
    items = (
        Item("a and d", (0, 3), ("A", "D"), ((0, 0), (1, 1))),
        Item("b", (1,), ("B", "C"), ((0, 0),)),
        Item("d", (3,), ("D", "C"), ((0, 0),)),
    )
    part = subset(replace(LETTERS, offers=replace(OFFERS, items=items)), (3, 0))
    assert [(each.id, each.images) for each in part.offers.items] == [("a and d", (1, 0)), ("d", (0,))]
    assert part.offers.templates == OFFERS.templates


def test_a_subset_of_a_subset_counts_within_it() -> None:
    assert subset(subset(LETTERS, (3, 2, 1)), (2, 0))[0].id == "b"


@dataclass(frozen=True)
class Letters:
    """A source as version 0.1 has it; its examples have no state."""

    name: str = "letters:here"
    revision: str = "7"
    offers: Offers = OFFERS

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Example:
        return Example("abcd"[index], print, self.target(index))

    def target(self, index: int) -> Target:
        return Target(label="ABCD"[index])

    def fingerprint(self, index: int) -> str:
        return f"f{index}"


def test_a_source_of_version_0_1_is_read_as_the_same_data_set() -> None:
    found = as_dataset(Letters())
    assert list(found.examples) == list(LETTERS.examples)
    assert (found.name, found.revision, found.offers) == ("letters:here", "7", OFFERS)
    assert found.reading == Reading()
    assert as_dataset(found) is found
