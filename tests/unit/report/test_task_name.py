import pytest

from vlbench.report.task_name import data_set_of, name_parts, old_method


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("imagenet", ("imagenet", (), "imagenet")),
        ("imagenet@elevater", ("imagenet@elevater", (), "imagenet")),
        ("dtd@coop@base", ("dtd@coop@base", (), "dtd")),
        (
            "shapes+classnames@12ab34+templates@56cd78",
            ("shapes", ("classnames@12ab34", "templates@56cd78"), "shapes"),
        ),
        ("coco-80+thresholds@0.5", ("coco-80", ("thresholds@0.5",), "coco-80")),
        ("coco-80+best-f1", ("coco-80", ("best-f1",), "coco-80")),
        ("end\n", ("end\n", (), "end\n")),
        ("nl\nb+templates@56cd78", ("nl\nb", ("templates@56cd78",), "nl\nb")),
        # a plus in a card's own name is no mark
        ("a+b", ("a+b", (), "a+b")),
        (
            "classification:a+b@12ab34+templates@56cd78",
            ("classification:a+b@12ab34", ("templates@56cd78",), "classification:a+b@12ab34"),
        ),
    ],
)
def test_a_name_comes_apart_into_card_marks_and_data_set(name, parts):
    card, marks, is_own = name_parts(name)
    assert (card, marks, data_set_of(name)) == parts
    assert is_own == (":" in name)
    assert old_method(name) == ("best-f1" if name == "coco-80+best-f1" else "")
