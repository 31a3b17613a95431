from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement, Part
from vlbench.report.results import PREDICTIONS, result_path
from vlbench.report.site.mistakes import Confusion, OpenedTask, read_mistakes, thumbnail


def write(result, folder, **columns):
    path = folder / result_path(result, PREDICTIONS)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"side": "image", **columns}).to_parquet(path, index=False)


@pytest.fixture
def classified(make_result, tmp_path):
    result = make_result(n_images=5, n_texts=4)
    best = [["cat", "dog"], ["dog", "cat"], ["dog", "cat"], ["dog", "fox"], ["cat", "fox"]]
    ids = ["i0", "i1", "i2", "i3", "i4"]
    write(result, tmp_path, id=ids, rank=[1, 2, 2, 4, 3], best=best, best_scores=[[0.9, 0.1]] * 5)
    return result


def test_confusions_are_counted_where_the_right_class_is_among_the_best(classified, tmp_path):
    mistakes = read_mistakes(classified, tmp_path)
    assert mistakes.confusions == (Confusion("cat", "dog", 2),)
    assert mistakes.unknown == 2
    assert [(item.item, item.rank) for item in mistakes.worst] == [("i3", 4), ("i4", 3), ("i1", 2), ("i2", 2)]
    assert mistakes.worst[0].thumbnail == b""


def test_an_opened_task_tells_the_right_class_and_shows_the_image(classified, tmp_path):
    def image(item):
        return Image.new("RGB", (8, 4), "red") if item == "i3" else None

    opened = OpenedTask(image, {"i3": ("owl",), "i4": ("owl",)})
    mistakes = read_mistakes(classified, tmp_path, opened)
    assert mistakes.unknown == 0
    assert Confusion("owl", "dog", 1) in mistakes.confusions
    assert Image.open(BytesIO(mistakes.worst[0].thumbnail)).size == (112, 56)
    assert mistakes.worst[1].thumbnail == b""


def test_of_tags_the_right_one_that_is_ranked_lowest_counts(make_result, tmp_path):
    parts = tuple(Part(name, 0.5, 1) for name in ("red", "blue", "ring"))
    metrics = (Measurement(0.5, 2, parts=parts, metric="map"),)
    result = make_result(kind="tagging", primary="map", metrics=metrics, n_images=2, n_texts=3)
    scores = [np.float32([0.9, 0.8, 0.1]), np.float32([0.9, 0.1, 0.2])]
    write(result, tmp_path, id=["good", "bad"], scores=scores, relevant=[["red", "blue"], ["red", "blue"]])
    (item,) = read_mistakes(result, tmp_path).worst
    assert (item.item, item.truth, item.answer, item.rank) == ("bad", "blue", "ring", 2)


def test_a_tag_without_a_score_is_no_mistake(make_result, tmp_path):
    parts = tuple(Part(name, 0.5, 1) for name in ("red", "blue", "ring"))
    metrics = (Measurement(0.5, 2, parts=parts, metric="map"),)
    result = make_result(kind="tagging", primary="map", metrics=metrics, n_images=2, n_texts=3)
    scores = [np.float32([0.1, np.nan, 0.2]), np.float32([0.1, np.nan, np.nan])]
    write(result, tmp_path, id=["bad", "alone"], scores=scores, relevant=[["red"], ["red"]])
    (item,) = read_mistakes(result, tmp_path).worst
    assert (item.item, item.truth, item.answer, item.rank) == ("bad", "red", "ring", 2)


def test_of_retrieval_captions_count_too_and_nothing_is_confused(make_result, tmp_path):
    result = make_result(kind="retrieval", n_images=1, n_texts=2)
    write(result, tmp_path, id=[])
    frame = pd.DataFrame({"side": ["image", "text", "text"], "id": ["i", "one", "two"], "rank": [1, 9, 1]})
    frame.to_parquet(tmp_path / result_path(result, PREDICTIONS), index=False)
    mistakes = read_mistakes(result, tmp_path)
    assert [(item.item, item.rank) for item in mistakes.worst] == [("one", 9)]
    assert mistakes.confusions == ()


def test_files_that_are_missing_damaged_or_of_another_run(make_result, classified, tmp_path):
    assert read_mistakes(make_result(model="none"), tmp_path) is None
    with pytest.raises(DataError, match="of another run"):
        read_mistakes(make_result(n_images=6), tmp_path)
    (tmp_path / result_path(classified, PREDICTIONS)).write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="damaged"):
        read_mistakes(classified, tmp_path)


def test_a_thumbnail_is_the_same_bytes_each_time_and_never_large():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (500, 300, 3), dtype=np.uint8))
    assert thumbnail(image) == thumbnail(image)
    assert Image.open(BytesIO(thumbnail(image))).size == (67, 112)


def test_of_a_matching_what_is_wrong_for_every_image_is_no_mistake(make_result, tmp_path):
    result = make_result(n_images=2, n_texts=3)
    nan = float("nan")
    write(
        result,
        tmp_path,
        side=["image", "image", "text", "text", "text", "pair", "pair"],
        id=["a", "b", "right", "wrong", "other", "a", "a"],
        rank=[1, 2, 1, 0, 2, nan, nan],
        query=[None] * 5 + ["right", "wrong"],
    )
    found = read_mistakes(result, tmp_path)
    assert [(each.item, each.rank) for each in found.worst] == [("b", 2), ("other", 2)]
    assert found.confusions == ()


def test_of_a_matching_the_images_and_texts_show_that_stand_furthest_below_what_is_wrong(
    make_result, tmp_path
):
    result = make_result(kind="matching", n_images=2, n_texts=4)
    nan = float("nan")
    write(
        result,
        tmp_path,
        side=["image", "image", *["text"] * 4, *["pair"] * 6],
        id=["b", "a", "on it", "off it", "one", "two", "b", "b", "a", "a", "a", "a"],
        rank=[2, 2, 1, 2, 1, 2, *[nan] * 6],
        item=[None, None, "x", "x", "y", "y", "x", "x", "x", "x", "y", "y"],
        query=[None] * 6 + ["on it", "off it", "on it", "off it", "one", "two"],
        is_right=[None] * 6 + [True, False, False, True, True, False],
        pair_scores=[nan] * 6 + [0.75, 0.25, 0.5, 0.375, 0.5, 0.75],
    )
    picture = Image.new("RGB", (8, 4))
    found = read_mistakes(result, tmp_path, OpenedTask(lambda item: picture))
    assert [(each.item, each.truth, each.answer, each.rank) for each in found.worst] == [
        ("a", "one", "two", 2),
        ("a", "off it", "on it", 2),
    ]
    assert all(each.thumbnail for each in found.worst)
    assert found.confusions == ()
