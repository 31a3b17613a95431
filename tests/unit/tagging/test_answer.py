import csv
import json
from dataclasses import replace

import pytest

from vlbench.tagging.answer import Tag, TaggedImage, head_lines, image_lines

IMAGE = TaggedImage('a, "b".jpg', (Tag("红", 0.98765432, "12"), Tag("sea, sky", 0.5, None)))
FAINT = TaggedImage("d.jpg", (Tag("dog", -0.00001, None),))
BARE = TaggedImage("c.jpg", ())


def lines(form):
    return [*head_lines(form), *(line for image in (IMAGE, BARE) for line in image_lines(image, form))]


def test_text_names_the_image_and_its_tags():
    assert lines("text") == ['a, "b".jpg: 红 0.99, sea, sky 0.50', "c.jpg: (no tag above its threshold)"]


def test_a_score_that_rounds_to_zero_has_no_sign():
    assert list(image_lines(FAINT, "text")) == ["d.jpg: dog 0.00"]
    assert "-0.0" not in next(image_lines(FAINT, "json"))


def test_json_is_one_object_a_line():
    assert [json.loads(line) for line in lines("json")] == [
        {
            "path": 'a, "b".jpg',
            "tags": [
                {"name": "红", "score": 0.9877, "id": "12"},
                {"name": "sea, sky", "score": 0.5, "id": None},
            ],
        },
        {"path": "c.jpg", "tags": []},
    ]
    assert "红" in lines("json")[0]


def test_csv_is_a_row_a_tag_and_loses_no_image():
    assert list(csv.reader(lines("csv"))) == [
        ["path", "tag", "score", "id"],
        ['a, "b".jpg', "红", "0.9877", "12"],
        ['a, "b".jpg', "sea, sky", "0.5", ""],
        ["c.jpg", "", "", ""],
    ]


@pytest.mark.parametrize("form", ["text", "json"])
def test_only_csv_has_a_head(form):
    assert head_lines(form) == ()


def test_a_caption_stands_before_the_tags_and_in_every_row():
    captioned, bare = replace(IMAGE, caption='a dog, "red"'), replace(BARE, caption="")
    assert list(image_lines(captioned, "text")) == ['a, "b".jpg: a dog, "red" (红 0.99, sea, sky 0.50)']
    assert list(image_lines(replace(BARE, caption="a dog"), "text")) == [
        "c.jpg: a dog (no tag above its threshold)"
    ]
    assert list(json.loads(next(image_lines(captioned, "json")))) == ["path", "caption", "tags"]
    assert json.loads(next(image_lines(bare, "json"))) == {"path": "c.jpg", "caption": "", "tags": []}
    rows = [*head_lines("csv", captions=True), *image_lines(captioned, "csv"), *image_lines(bare, "csv")]
    assert [row[4] for row in csv.reader(rows)] == ["caption", 'a dog, "red"', 'a dog, "red"', ""]
