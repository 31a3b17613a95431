"""Data in memory are scored as the same images on disk are, and anew whenever they change."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Image
from PIL.Image import Resampling, fromarray, new
from PIL.Image import open as opened
from torchvision.datasets import ImageFolder

import vlbench
from vlbench.core.errors import VlbenchError

COLOURS = ("blue", "green", "red")


@pytest.fixture
def folder(tmp_path):
    """Two images for each of three colours, in class folders."""
    for colour in COLOURS:
        (tmp_path / "photos" / colour).mkdir(parents=True)
        for side in (32, 40):
            image = new("RGB", (side, side), colour)
            image.putpixel((0, 0), (255, 255, 255))
            image.save(tmp_path / "photos" / colour / f"{side}.png")
    return tmp_path / "photos"


@pytest.fixture
def asked(tmp_path):
    return {"cache": tmp_path / "cache", "workers": 0, "device": "cpu"}


def paths_of(folder):
    return [(path, path.parent.name) for path in sorted(folder.rglob("*.png"))]


def scores(found):
    return [(each.metric, each.value) for result in found for each in result.metrics]


def as_rows(folder):
    pairs = paths_of(folder)
    features = Features({"image": Image(), "label": ClassLabel(names=list(COLOURS))})
    rows = {
        "image": [{"bytes": path.read_bytes(), "path": None} for path, _ in pairs],
        "label": [COLOURS.index(label) for _, label in pairs],
    }
    return Dataset.from_dict(rows, features=features)


FORMS = {
    "paths": paths_of,
    "pictures": lambda folder: [(opened(path), label) for path, label in paths_of(folder)],
    "bytes": lambda folder: [
        {"image": path.read_bytes(), "label": label} for path, label in paths_of(folder)
    ],
    "arrays": lambda folder: [(np.asarray(opened(path)), label) for path, label in paths_of(folder)],
    "rows": as_rows,
    "chosen rows": lambda folder: as_rows(folder).select(range(6)).with_transform(lambda rows: 1 / 0),
    "torch": lambda folder: ImageFolder(str(folder)),
    "frame": lambda folder: pd.DataFrame(paths_of(folder), columns=["image", "label"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_scores_of_the_folder(form, folder, asked):
    on_disk = scores(vlbench.evaluate("tiny-clip", f"classification:{folder}", **asked))
    (result,) = found = vlbench.evaluate("tiny-clip", FORMS[form](folder), **asked)
    assert scores(found) == on_disk
    assert result.n_images == 6
    assert result.task.startswith("classification:data@")


def test_a_list_of_data_sets_is_a_list_of_tasks(folder, asked):
    found = vlbench.evaluate("tiny-clip", [as_rows(folder), {"test": paths_of(folder)[1:]}], **asked)
    assert [each.n_images for each in found] == [6, 5]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classnames": set(COLOURS)}, "classnames are no list of words, in their order, but"),
        ({"classnames": "red"}, "classnames are no list of words"),
        ({"classnames": {0: "red", 1: "blue"}}, "classnames are no list of words"),
        ({"classnames": [1, 2]}, "classnames are no list of words"),
        ({"name": "a\nb"}, r"the name 'a\\nb' is no line of text"),
        ({"name": 3}, "the name 3 is no line of text"),
        ({"templates": "a photo"}, "template 'a photo' needs one {}"),
    ],
)
def test_a_word_is_no_list_of_letters(given, message):
    with pytest.raises(VlbenchError, match=message):
        vlbench.data([(RED, 0), (RED, 1)], **given)
    assert vlbench.data([(RED, "red")], templates="a {}.").templates == ("a {}.",)


def test_changed_images_are_scored_anew_under_the_same_objects(folder, asked, tmp_path):
    model = ["tiny-clip"]
    palettes = [new("P", (32, 32)) for _ in range(2)]
    for each in palettes:
        each.putpalette([255, 0, 0])
    file = tmp_path / "one.png"
    new("RGB", (32, 32), "red").save(file)
    picture = opened(file)
    array = np.full((32, 32, 3), 10, np.uint8)
    held = vlbench.data(
        [(palettes[0], "red"), (palettes[1], "red"), (file, "red"), (picture, "red"), (array, "blue")],
        name="colours",
    )

    def nll():
        (result,) = vlbench.evaluate(model, held, **asked)
        return result.metric("nll").value

    values = [nll()]
    assert nll() == values[0]
    palettes[0].putpalette([0, 0, 255])
    values.append(nll())
    new("RGB", (32, 32), "blue").save(file)
    values.append(nll())
    picture.paste("blue", (0, 0, 32, 32))
    values.append(nll())
    array[:, :, 0] = 255
    values.append(nll())
    assert len(set(values)) == 5


def test_captions_and_tags_make_their_kinds(folder, asked):
    images = [path for path, _ in paths_of(folder)]
    captions = [(path, f"a {path.parent.name} image of {path.stem}") for path in images]
    tags = [(path, torch.tensor([int(path.parent.name == each) for each in COLOURS])) for path in images]
    found = vlbench.evaluate(
        "tiny-clip",
        [
            "digits",
            vlbench.data(captions, truth="captions", name="captioned"),
            vlbench.data(tags, classnames=COLOURS, name="tagged"),
        ],
        limit=5,
        **asked,
    )
    assert [each.task for each in found] == ["digits", "retrieval:captioned", "tagging:tagged"]
    assert [each.partial for each in found] == ["limit 5"] * 3


RED = new("RGB", (8, 8), "red")


class Blurred(torch.utils.data.Dataset):
    """Another image at each reading."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        noise = np.random.default_rng().integers(0, 255, (8, 8, 3), dtype=np.uint8)
        return fromarray(noise).resize((16, 16), Resampling.BILINEAR), index


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([(RED, 0), (RED, np.int64(3))], r"numbers 0 to 3 have no names.*classnames=\["),
        ([(RED, ["a", "b"])], "item 0 has a list of words.*truth='captions'"),
        ([{"image": RED, "label": "red", "captions": ["red"]}], "label and captions: say which"),
        ([(torch.ones(3, 8, 8), "red")], "item 0 is a Tensor.*leave out a transform"),
        ([(RED, "red", 1)], "item 0 is a tuple; give pairs"),
        ([{"picture": RED, "label": "red"}], "item 0 has picture, label and no image"),
        ([(Path("none.png"), "red")], "none.png cannot be read"),
        (vlbench.data(Blurred(), classnames=["a", "b"]), "item 0 is another one each time"),
        ({"dev": [], "train": []}, r"a mapping of dev, train; .*vlbench.data\(data\['dev'\]\)"),
        (iter([(RED, "red")]), "no length and no items by position"),
        (np.zeros((0, 2)), "there is no item"),
        ([(np.zeros((0, 4, 3), np.uint8), "red")], "item 0 is an image without a pixel"),
        ({"image": [RED], "label": ["red"]}, r"a mapping of columns; .*Dataset\.from_dict\(data\)"),
        (
            Dataset.from_dict({"image": ["a.png"], "label": ["red"]}),
            r"^data in memory: column image holds text; data\.cast_column",
        ),
        (Dataset.from_dict({"label": ["red"]}), "^data in memory: the rows: no column holds images"),
        (
            [
                vlbench.data([(RED, "a"), (RED, "b")], name="x"),
                vlbench.data([(RED, "a")] * 2 + [(RED, "b")], name="x"),
            ],
            "two data in memory are both classification:x",
        ),
        (
            [vlbench.data([(RED, a), (RED, b)], name="x") for a, b in ("ab", "ba")],
            "two data in memory are both classification:x",
        ),
        (
            [vlbench.data([(RED, 0)], name="x", classnames=each) for each in (["a", "b"], ["b", "a"])],
            "two data in memory are both classification:x",
        ),
    ],
)
def test_what_is_unclear_is_refused(data, message, asked):
    with pytest.raises(VlbenchError, match=message):
        vlbench.evaluate("tiny-clip", data, **asked)


class Moving(list):
    """Colours of which one is another picture, or has another label, after the first reading."""

    def __init__(self, second):
        super().__init__((new("RGB", (8, 8), colour), colour) for colour in COLOURS)
        self.second, self.read = second, 0

    def __getitem__(self, index):
        self.read += index == 1
        return self.second if index == 1 and self.read > 1 else super().__getitem__(index)


@pytest.mark.parametrize("second", [(RED, "green"), (new("RGB", (8, 8), "green"), "red")])
def test_an_item_that_moves_is_refused_and_leaves_nothing_of_itself_in_the_store(second, asked):
    still, values = Moving(None)[:], []
    with pytest.raises(VlbenchError, match="item 1 is another one each time it is read"):
        vlbench.evaluate("tiny-clip", vlbench.data(Moving(second), name="colours"), **asked)
    for cache in (asked["cache"], asked["cache"] / "fresh"):
        (result,) = vlbench.evaluate("tiny-clip", still, **{**asked, "cache": cache})
        values.append(result.metric("nll").value)
    assert values[0] == values[1]


def test_names_in_another_order_than_the_data_state_are_refused(folder, asked):
    with pytest.raises(VlbenchError, match=r"in another order.*\(blue, green, red\)"):
        vlbench.evaluate("tiny-clip", vlbench.data(as_rows(folder), classnames=COLOURS[::-1]), **asked)
