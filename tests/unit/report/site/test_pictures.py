import re
from xml.etree import ElementTree

import pytest

from vlbench.report.site.pictures import ModelPoint, Picture, pareto_front, svg


def point(name, cost, score, low=None, high=None):
    return ModelPoint(name, cost, score, low, high, f"models/{name}.html")


POINTS = (point("a", 1, 0.5), point("b", 2, 0.4), point("c", 4, 0.8), point("d", 4, 0.7), point("e", 9, 0.8))


@pytest.mark.parametrize(
    ("better", "names"),
    [
        ("less", "ac"),
        ("more", "e"),
    ],
)
def test_the_front_is_what_nothing_beats_at_no_more_cost(better, names):
    assert "".join(each.name for each in pareto_front(POINTS, better)) == names


def test_of_speed_the_front_goes_from_the_fastest_to_the_best():
    slow = (point("slow", 1, 0.9), point("fast", 9, 0.2), point("middle", 3, 0.5), point("beaten", 2, 0.4))
    assert [each.name for each in pareto_front(slow, "more")] == ["fast", "middle", "slow"]


def test_a_picture_is_sound_xml_with_a_link_and_a_title_for_each_point():
    picture = Picture("x < y", "GFLOPs", "acc1", "less", (*POINTS, point("<b>", 3, 0.3, 0.2, 0.4)))
    root = ElementTree.fromstring(svg(picture, "flops"))
    assert root.get("aria-labelledby") == "flops-title flops-text"
    assert root.find("title").text == "x < y"
    assert "On the Pareto front: a, c." in root.find("desc").text
    assert {each.get("href") for each in root.iter("a")} == {
        f"models/{n}.html" for n in ("a", "b", "c", "d", "e", "<b>")
    }
    assert sum(each.get("class") == "best" for each in root.iter("a")) == 2


def test_the_picture_does_not_depend_on_the_order_of_points():
    pictures = {svg(Picture("t", "x", "y", "less", order), "i") for order in (POINTS, POINTS[::-1])}
    assert len(pictures) == 1


def test_labels_cover_neither_one_another_nor_other_points():
    crowd = tuple(point(f"a-rather-long-name-{i}", 1 + i / 50, 0.5 + i / 500) for i in range(60))
    root = ElementTree.fromstring(svg(Picture("t", "x", "y", "less", crowd), "i"))
    labels = list(root.findall("text"))
    assert 0 < len(labels) < 30
    lines = [(round(float(each.get("y")) / 14), each.get("x")) for each in labels]
    assert len(set(lines)) == len(lines)


def test_colours_are_the_pages():
    assert not re.findall(r"#[0-9a-f]{3,6}\b|rgb\(", svg(Picture("t", "x", "y", "less", POINTS), "i"))
