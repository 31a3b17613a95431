"""Names beside images against a card's, by the numbers that labels give them."""

from listed import listed

from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.names_found import NamesFound, compare_names


def source(*names: str, label: str | int = 0) -> listed:
    return listed((Target(label=label),), Offers(names=tuple(map(Text, names))))


def test_labels_that_are_names_need_no_order() -> None:
    assert compare_names(source("dog", "cat", label="cat"), (Text("cat"), Text("dog"))) == NamesFound()


def test_a_cards_own_numbers_decide_the_order() -> None:
    texts = (Text("cat", ids={"number": "1"}), Text("dog", ids={"number": "0"}))
    assert compare_names(source("dog", "cat"), texts) == NamesFound()
    found = compare_names(source("cat", "dog"), texts)
    assert found.differs == (
        "the names lie in another order: class 0 is 'cat' beside the images and 'dog' on the card",
    )


def test_another_order_is_seen_beside_other_spellings() -> None:
    found = compare_names(source("hound", "lion", "cat"), (Text("dog"), Text("cat"), Text("lion")))
    assert found.differs == (
        "the names lie in another order: class 1 is 'lion' beside the images and 'cat' on the card",
    )


def test_spelling_alone_is_no_difference() -> None:
    texts = (Text("great white shark"), Text("hen"))
    assert compare_names(source("Great_White  Shark", "hen "), texts) == NamesFound()
    assert compare_names(source("shark", "hen"), texts).notes == (
        "1 of 2 names are spelt otherwise beside the images: "
        "class 0 is 'shark' beside the images and 'great white shark' on the card",
    )
