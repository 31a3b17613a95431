"""What methods learn from, and by what the best step is chosen, may be in memory as well."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features
from PIL.Image import fromarray

import vlbench
from vlbench.core.errors import VlbenchError

COLOURS = ("blue", "green", "red")


def drawn(label, number):
    """A picture of a class: darker with its number, so that no two are equal."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[..., 2 - label] = 250 - number
    return fromarray(pixels)


def pairs(start, count=3, *, names=COLOURS):
    return [(drawn(label, start + i), names[label]) for i in range(count) for label in range(3)]


@pytest.fixture
def asked(tmp_path):
    return {"cache": tmp_path / "cache", "workers": 0, "device": "cpu"}


def score(data, method, asked):
    (result,) = vlbench.evaluate("tiny-clip", data, method=method, **asked)
    return result.metric("nll").value, result


def test_a_probe_learns_from_a_training_split_in_memory(asked):
    held = vlbench.data(pairs(0), train=pairs(100), name="colours")
    value, result = score(held, "ridge@2", asked)
    assert (result.task, result.zero_shot) == ("classification:colours", "no")
    assert result.read["train"] == "9 images of memory:colours/train"
    other, _ = score(vlbench.data(pairs(0), train=pairs(50, 2), name="colours"), "ridge@2", asked)
    assert other != value
    plain, result = score(held, "zero-shot", asked)
    assert "train" not in result.read
    assert plain == score(vlbench.data(pairs(0), name="colours"), "zero-shot", asked)[0]


def rows(start):
    features = Features({"image": Dataset.from_dict({"image": [drawn(0, 0)]}).features["image"]})
    features["label"] = ClassLabel(names=list(COLOURS))
    found = pairs(start, names=range(3))
    return Dataset.from_dict(
        {"image": [image for image, _ in found], "label": [label for _, label in found]}, features=features
    )


def test_the_splits_of_a_mapping_are_taken_as_they_are(asked):
    split, result = score(
        DatasetDict(train=rows(100), test=rows(0), unsupervised=rows(200)), "ridge@2", asked
    )
    assert "that are not used: unsupervised" in result.read["notes"]
    lists = {"test": pairs(0), "train": pairs(100), "val": pairs(50)}
    assert score(lists, "ridge@2", asked)[0] == split


def test_a_validation_split_chooses_the_best_step(asked):
    class Toy:
        def __init__(self, weight):
            self.weight = weight

        def encode_image(self, pixels):
            return self.weight * pixels.mean(dim=(2, 3)) + 0.1

        def encode_text(self, sentences):
            return torch.tensor([[0.1 + (word in each) for word in reversed(COLOURS)] for each in sentences])

    found = vlbench.Results()
    options = {**asked, "preprocess": lambda image: torch.tensor(np.array(image)).permute(2, 0, 1) / 255.0}
    logged = {}
    for held in (
        vlbench.data(pairs(0), validation=pairs(50), name="labels"),
        vlbench.data(
            [(image, f"a {name} square of {i}") for i, (image, name) in enumerate(pairs(0))],
            validation=[(image, f"{name} {i}") for i, (image, name) in enumerate(pairs(50))],
            truth="captions",
            name="captions",
        ),
    ):
        for step, weight in ((1, -1.0), (2, 1.0)):
            score = vlbench.callback(
                Toy(weight), held, every=1, log=lambda numbers, _: logged.update(numbers), **options
            )
            found += score(step)
    best = found.steps().query("best")
    assert set(zip(best["task"], best["step"], strict=True)) == {
        ("classification:labels", 2),
        ("retrieval:captions", 2),
    }
    assert logged["classification:labels/validation_acc1"] == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pairs(0), r"ridge learns from a train split.*vlbench\.data\(\.\.\., train=\.\.\.\)"),
        (
            vlbench.data(pairs(0), train=pairs(0)),
            "9 of 9 train images are test images .*name other images for it",
        ),
        (
            vlbench.data(pairs(0), train=pairs(9, names=("blue", "green", "pink"))),
            r"no class named 'pink'; image 2 of classification:data@.* \(train split\) carries it",
        ),
        (
            vlbench.data(pairs(0, names=range(3)), train=rows(9), classnames=COLOURS[::-1]),
            "its train split: names other classes, 'blue' where the test has 'red'",
        ),
        (
            vlbench.data(pairs(0), train=[{"image": image, "tags": [name]} for image, name in pairs(9)]),
            "its train split: no item has label; they have tags",
        ),
    ],
)
def test_a_split_that_asks_something_else_is_refused(data, message, asked):
    with pytest.raises(VlbenchError, match=message):
        vlbench.evaluate("tiny-clip", data, method="ridge@2", **asked)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "train: tuple_iterator has no length"),
        (({"test": []},), "a mapping has its own splits; leave train out"),
        (({"train": []},), r"a mapping of train; .*vlbench.data\(data\['train'\]"),
    ],
)
def test_what_is_no_split_is_refused(arguments, message):
    with pytest.raises(VlbenchError, match=message):
        vlbench.data(*arguments, train=iter(()))
