import pytest
from listed import listed

from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.errors import DataError, UnknownName
from vlbench.core.label_index import LabelIndex, NamesFound, compare_names

MISSILES = (
    Text("missile", ids={"wnid": "n03773504"}),
    Text("projectile", ids={"wnid": "n04008634"}),
    Text("missile", ids={"wnid": "n04008635"}),
)


def position(texts, label):
    return LabelIndex.of(texts, "weapons").position(label, lambda: "image 7.jpg")


@pytest.mark.parametrize(("label", "expected"), [("n04008635", 2), ("projectile", 1), (0, 0), (2, 2)])
def test_an_id_a_unique_name_and_an_index_are_found(label, expected):
    assert position(MISSILES, label) == expected


def test_underscores_of_a_folder_stand_for_spaces():
    assert position((Text("sea lion"), Text("fire_truck")), "sea_lion") == 0
    assert position((Text("sea lion"), Text("fire_truck")), "fire_truck") == 1


def test_an_id_goes_before_another_texts_name():
    assert position((Text("a", ids={"code": "b"}), Text("b", ids={"code": "c"})), "b") == 0


def test_a_shared_name_is_refused_where_an_image_carries_it():
    with pytest.raises(
        DataError, match=r"image 7\.jpg: several classes are named 'missile'; label it by an id of its own"
    ):
        position(MISSILES, "missile")


@pytest.mark.parametrize("label", [-1, 3])
def test_an_index_out_of_range_is_refused(label):
    with pytest.raises(DataError, match=rf"image 7\.jpg: label {label} is not one of the 3 classes"):
        position(MISSILES, label)


@pytest.mark.parametrize("label", ["1", "01"])
def test_a_number_written_as_text_is_told_from_a_name(label):
    with pytest.raises(UnknownName, match=r"carries it; it is text: write the number 1 without quotes"):
        position(MISSILES, label)


def test_an_unknown_label_comes_with_close_matches_and_its_image():
    with pytest.raises(UnknownName) as caught:
        position(MISSILES, "projectil")
    assert "did you mean projectile?" in str(caught.value)
    assert "image 7.jpg carries it" in str(caught.value)
    with pytest.raises(UnknownName, match="carries it; correct it or add the class"):
        position(MISSILES, "9" * 5000)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((Text("a", ids={"code": "1"}), Text("b", ids={"code": "1"})), "'a' and 'b' share the code '1'"),
        ((Text("a"), Text("a", ids={"code": "1"})), "the name 'a' occurs 2 times"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(texts, said):
    with pytest.raises(DataError, match="weapons: .*" + said):
        LabelIndex.of(texts, "weapons")


def test_one_number_in_two_vocabularies_labels_neither_text():
    texts = (Text("a", ids={"ram": "8", "tag2text": "3"}), Text("b", ids={"ram": "9", "tag2text": "8"}))
    assert [position(texts, label) for label in ("a", "3", "9", "b")] == [0, 0, 1, 1]
    with pytest.raises(DataError, match=r"image 7\.jpg: several classes are named '8'"):
        position(texts, "8")
    assert position((Text("a", ids={"ram": "8", "tag2text": "8"}),), "8") == 0


REORDERED = (Text("3", ids={"number": "1"}), Text("1", ids={"number": "0"}), Text("2", ids={"number": "2"}))


def test_a_number_of_the_data_goes_before_the_position():
    assert [position(REORDERED, number) for number in (0, 1, 2)] == [1, 0, 2]
    with pytest.raises(DataError, match="label 3 is not one of the 3 classes"):
        position(REORDERED, 3)


def test_a_number_is_no_label_in_words():
    assert [position(REORDERED, name) for name in ("1", "2", "3")] == [1, 2, 0]


@pytest.mark.parametrize("numbers", [("0", "0"), ("0", "x"), ("0", None), ("0", "9" * 5000)])
def test_numbers_that_are_not_one_a_class_are_refused(numbers):
    texts = [Text(f"c{i}", ids={} if n is None else {"number": n}) for i, n in enumerate(numbers)]
    with pytest.raises(
        DataError, match="the column 'number' of the names does not have an integer for each class"
    ):
        LabelIndex.of(texts, "weapons")


def test_synonyms_are_no_ids_and_may_be_shared():
    texts = (Text("sad", ids={"synonyms": "low"}), Text("tired", ids={"synonyms": "low"}))
    assert position(texts, "tired") == 1
    with pytest.raises(UnknownName):
        position(texts, "low")


def source(*names: str, label: str | int = 0) -> listed:
    return listed((Target(label=label),), Offers(names=tuple(map(Text, names))))


def test_labels_that_are_names_need_no_order() -> None:
    assert compare_names(source("dog", "cat", label="cat"), (Text("cat"), Text("dog"))) == NamesFound()


def test_a_cards_own_numbers_decide_the_order() -> None:
    texts = (Text("cat", ids={"number": "1"}), Text("dog", ids={"number": "0"}))
    assert compare_names(source("dog", "cat"), texts) == NamesFound()
    no_numbers = (Text("cat", ids={"number": "x"}), Text("dog", ids={"number": "9" * 5000}))
    assert compare_names(source("cat", "dog"), no_numbers) == NamesFound()  # LabelIndex refuses them
    found = compare_names(source("cat", "dog"), texts)
    assert found.differs == (
        "the names lie in another order: class 0 is 'cat' beside the images and 'dog' on the card",
    )


def test_another_order_is_seen_beside_other_spellings() -> None:
    found = compare_names(source("hound", "lion", "cat"), (Text("dog"), Text("cat"), Text("lion")))
    assert found.differs == (
        "the names lie in another order: class 1 is 'lion' beside the images and 'cat' on the card",
    )


def test_two_classes_of_one_name_on_the_card_are_in_no_other_order() -> None:
    texts = (Text("sunglasses", ids={"wnid": "n1"}), Text("sunglasses", ids={"wnid": "n2"}))
    assert compare_names(source("sunglass", "sunglasses"), texts).differs == ()


def test_numbers_that_count_another_class_first_are_in_another_order() -> None:
    found = compare_names(source("nothing", "cat", "dog"), (Text("cat"), Text("dog")))
    assert found.differs[0].startswith("3 names lie beside the images, 2 on the card")
    assert found.moved.startswith("the names lie in another order: class 0 is 'nothing' beside")
    assert compare_names(source("cat", "dog", "hen"), (Text("cat"), Text("dog"))).moved == ""


def test_spelling_alone_is_no_difference() -> None:
    texts = (Text("great white shark"), Text("hen"))
    assert compare_names(source("Great_White  Shark", "hen "), texts) == NamesFound()
    assert compare_names(source("shark", "hen"), texts).notes == (
        "1 of 2 names are spelt otherwise beside the images: "
        "class 0 is 'shark' beside the images and 'great white shark' on the card",
    )
