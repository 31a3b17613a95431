"""`--classnames` on packaged cards: a user's own words keep the card's classes, whatever labels them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from card_layouts import catalogue, labelled, truth
from torchvision_folders import picture

from vlbench.cards.build import open_task
from vlbench.cards.data_request import DataRequest
from vlbench.cards.texts import read_names
from vlbench.core.errors import DataError, UnknownName

Asked = Callable[[str, Sequence[str]], list[tuple[str, ...]]]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """The right names of each image of a card's task under a user's list."""

    def asked(name: str, names: Sequence[str]) -> list[tuple[str, ...]]:
        own = tmp_path / "own.txt"
        own.write_text("".join(f"{each}\n" for each in names))
        request = DataRequest(roots=(tmp_path,), allow_subset=True, classnames=own)
        return truth(open_task(name, catalogue(), request=request).task)

    return asked


def names_of(name: str) -> list[str]:
    folder = catalogue().tasks["imagenet"].path.parent
    return [text.name for text in read_names(folder / "names" / f"{name}.tsv")]


def test_a_line_renames_the_cards_class_of_that_line_whatever_labels_it(asked: Asked, tmp_path: Path) -> None:
    picture(tmp_path / "imagenet" / "val" / "n01443537" / "a.JPEG", 1)
    own = [f"my {name}" if name not in ("missile", "sunglasses") else name for name in names_of("imagenet")]
    assert asked("imagenet", own) == [
        ("my goldfish",)
    ]  # labelled by wnid, and names that repeat as on the card
    picture(tmp_path / "food101" / "test" / "apple_pie" / "a.jpg", 1)
    assert asked("food101", [f"my {name}" for name in names_of("food101")]) == [("my apple pie",)]


def test_numbers_of_the_data_mean_the_cards_classes(asked: Asked, tmp_path: Path) -> None:
    labelled("wds_vtab-pets", 0, 5)(tmp_path)
    plain, openai = names_of("oxford_pets"), names_of("oxford_pets-openai")
    right = [(openai[0],), ("Bengal",)]
    assert openai[5] != "Bengal"  # OpenAI's order is not that of the data's numbers
    assert asked("oxford_pets@openai", openai) == right
    assert asked("oxford_pets@openai", [f"a {name}" for name in openai])[1] == ("a Bengal",)
    assert asked("oxford_pets@openai", openai[::-1]) == right  # the card's names in another order
    assert asked("oxford_pets", plain[::-1]) == right


def test_numbers_of_names_in_another_order_are_refused_and_a_column_of_numbers_is_the_way_out(
    tmp_path: Path,
) -> None:
    labelled("wds_vtab-pets", 0, 2)(tmp_path)
    card = names_of("oxford_pets")
    theirs = [*card[1::-1], *(f"{name} cat or dog" for name in card[2:])]
    (tmp_path / "wds_vtab-pets" / "classnames.txt").write_text("".join(f"{each}\n" for each in theirs))
    request = DataRequest(roots=(tmp_path,), allow_subset=True)
    with pytest.raises(DataError) as refused:
        open_task("oxford_pets", catalogue(), request=request)
    assert f"class 0 is {card[1]!r} beside the images and {card[0]!r} on the card" in str(refused.value)
    assert "`name<TAB>number`" in str(refused.value)
    numbers = tmp_path / "numbers.tsv"
    order = [1, 0, *range(2, len(card))]
    lines = (f"{card[number]}\t{place}\n" for place, number in enumerate(order))
    numbers.write_text("".join(["name\tnumber\n", *lines]))
    right = open_task("oxford_pets", catalogue(), request=replace(request, classnames=numbers)).task
    assert truth(right) == [(card[1],), (card[2],)]


def test_a_list_of_another_length_stands_for_itself(asked: Asked, tmp_path: Path) -> None:
    picture(tmp_path / "food101" / "test" / "apple_pie" / "a.jpg", 1)
    assert asked("food101", ["waffles", "apple pie"]) == [("apple pie",)]
    with pytest.raises(UnknownName, match="no class named 'apple_pie'"):
        asked("food101", ["waffles", "soup"])
