from dataclasses import replace

import pytest
from listed import listed

from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.errors import DataError, UnknownName
from vlbench.core.problem import Groups
from vlbench.core.task import Expectation, TaskRequest
from vlbench.task_kinds.classification import classification

NAMES = (
    Text("missile", ids={"wnid": "n1"}),
    Text("missile", ids={"wnid": "n2"}),
    Text("red fox", ids={"wnid": "n3"}),
)


def request(*labels, **fields):
    source = listed(tuple(Target(label=label) for label in labels))
    return TaskRequest(name="pets", protocol="test", source=source, **{"names": NAMES, **fields})


def test_labels_are_found_by_index_id_and_unique_name():
    task = classification(request(0, "n2", "red fox", "red_fox"))
    assert task.problem.relevant.queries.tolist() == [0, 1, 2, 2]
    assert not task.problem.groups


def test_templates_fill_every_name():
    task = classification(request("n1", templates=("a {}.", "{}!")))
    assert task.problem.texts[2].prompts == ("a red fox.", "red fox!")


def test_a_name_that_two_classes_have_labels_nothing():
    with pytest.raises(DataError, match=r"image 0\.png of pets: several classes are named 'missile'"):
        classification(request("missile"))


def test_a_name_twice_without_ids_is_refused():
    with pytest.raises(DataError, match="'cat' occurs 2 times"):
        classification(request("cat", names=(Text("cat"), Text("cat"))))


def test_an_unknown_label_names_the_image_and_what_is_close():
    with pytest.raises(
        UnknownName, match=r"no class named 'red fix'; did you mean red fox\?; image 1\.png of pets"
    ):
        classification(request("n1", "red fix"))


def test_an_image_without_a_label_is_named():
    with pytest.raises(DataError, match=r"image 1\.png has no label"):
        classification(request("n1", None))


def test_counts_of_the_card_are_checked_unless_a_subset_is_allowed():
    asked = request("n1", expect=Expectation(images=5, texts=3))
    with pytest.raises(DataError, match=r"1 images where the card says 5.*--allow-subset"):
        classification(asked)
    assert classification(replace(asked, allow_subset=True)).partial == "1 images where the card says 5"
    assert classification(replace(asked, partial="limit 1")).partial == "limit 1"


def test_names_come_from_the_data_where_the_card_has_none():
    source = listed((Target(label="b"),), Offers(names=(Text("a"), Text("b")), templates=("the {}",)))
    task = classification(TaskRequest(name="own", protocol="own", source=source))
    assert [text.prompts for text in task.problem.texts] == [("the a",), ("the b",)]


def test_one_class_is_no_classification():
    with pytest.raises(DataError, match="needs two"):
        classification(request("a", names=(Text("a"),)))


def test_labels_that_are_numbers_without_names_say_what_names_them():
    with pytest.raises(
        DataError, match=r"^pets: labels are numbers, 1 to 9, without names; pass --classnames FILE, or put"
    ):
        classification(request(9, 1, names=None))


def test_the_protocol_digest_follows_what_is_asked_and_not_how_the_task_is_called():
    base = classification(request("n1", expect=Expectation(images=1)))
    renamed = classification(
        replace(request("n1", expect=Expectation(images=1)), name="other", protocol="other")
    )
    templates = classification(request("n1", expect=Expectation(images=1), templates=("a {}",)))
    assert base.protocol.digest == renamed.protocol.digest
    assert base.protocol.digest != templates.protocol.digest


def test_groups_are_those_that_the_data_name():
    source = listed((Target(label=0, group="asia"), Target(label=1), Target(label=2, group="africa")))
    task = classification(TaskRequest(name="pets", protocol="test", source=source, names=NAMES))
    assert task.problem.groups == {"group": Groups("candidates", ("asia", "", "africa"))}
