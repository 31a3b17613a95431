import pytest

from vlbench.report.task_name import TaskName


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("imagenet", ("imagenet", (), "", "imagenet")),
        ("imagenet@elevater", ("imagenet@elevater", (), "", "imagenet")),
        ("dtd@coop@base", ("dtd@coop@base", (), "@base", "dtd")),
        (
            "shapes+classnames@12ab34+templates@56cd78",
            ("shapes", ("classnames@12ab34", "templates@56cd78"), "", "shapes"),
        ),
        ("coco-80+thresholds@0.5", ("coco-80", ("thresholds@0.5",), "", "coco-80")),
        ("coco-80+best-f1", ("coco-80", ("best-f1",), "", "coco-80")),
        # a plus in a card's own name is no mark
        ("a+b", ("a+b", (), "", "a+b")),
        (
            "classification:a+b@12ab34+templates@56cd78",
            ("classification:a+b@12ab34", ("templates@56cd78",), "", "classification:a+b@12ab34"),
        ),
    ],
)
def test_a_name_comes_apart_into_card_marks_half_and_data_set(name, parts):
    found = TaskName.of(name)
    assert found.old_method == ("best-f1" if name == "coco-80+best-f1" else "")
    assert (found.card, found.marks, found.half, found.data_set) == parts
    assert found.is_own == (":" in name)
