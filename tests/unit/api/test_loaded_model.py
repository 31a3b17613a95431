"""A model used by hand gives the numbers of an evaluation."""

import numpy as np
import pandas as pd
import pytest
from PIL.Image import fromarray, new

import vlbench
from vlbench.core.errors import DataError, Unsupported, VlbenchError

NAMES = ("blue square", "green heart", "red circle")


@pytest.fixture(scope="module")
def model():
    return vlbench.load_model("tiny-clip", device="cpu")


@pytest.fixture(scope="module")
def images():
    """Twenty pictures, more than a batch, of which two are alike."""
    shades = [new("RGB", (40, 40), (12 * i, 255 - 12 * i, 7 * i)) for i in range(19)]
    return [*shades, shades[3].copy()]


@pytest.mark.slow
def test_probabilities_and_scores_are_those_of_an_evaluation(model, images, tmp_path):
    labels = [i % 3 for i in range(len(images))]
    held = vlbench.data(list(zip(images, labels, strict=True)), classnames=NAMES, name="shades")
    options = {"device": "cpu", "cache": tmp_path / "cache", "results": tmp_path / "results"}
    (result,) = vlbench.evaluate("tiny-clip", held, save_predictions=True, **options)
    probabilities = model.classify(images, NAMES)
    right = probabilities[np.arange(len(images)), labels]
    assert result.metric("nll").value == pytest.approx(-np.log(right).mean(), abs=1e-6)
    (path,) = (tmp_path / "results").rglob("*.predictions.parquet")
    prompts = [f"a photo of a {name}." for name in NAMES]
    (template,) = model.templates
    assert prompts == [template.replace("{}", name) for name in NAMES]
    kept = np.stack(pd.read_parquet(path)["best_scores"].to_numpy())
    assert (np.sort(model.score(images, prompts), axis=1)[:, ::-1] == kept).all()


def test_features_of_equal_images_are_equal_and_paths_are_read(model, images, tmp_path):
    images[0].save(tmp_path / "0.png")
    found = model.encode_images([*images, tmp_path / "0.png"])
    assert found.shape == (21, 128)
    assert (found[3] == found[19]).all()
    assert (found[0] == found[20]).all()
    assert not (found[0] == found[1]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.encode_images([]), "there are no images; give one or more"),
        (lambda model: model.encode_texts("red"), r"texts are a list; this is a single str: write \[it\]"),
        (lambda model: model.encode_texts(["red", 3]), "3 is no text; give sentences"),
        (
            lambda model: model.classify([new("RGB", (8, 8))], NAMES, templates="a {}."),
            r"templates are a list; this is a single str: write \[it\]",
        ),
        (lambda model: model.encode_images([3]), "image 0 is a int; give a picture of Pillow"),
        (
            lambda model: model.classify([new("RGB", (8, 8))], NAMES, templates=["a photo"]),
            "template 'a photo' needs one {}",
        ),
    ],
)
def test_what_is_no_image_or_text_is_refused(model, call, message):
    with pytest.raises(DataError, match=message):
        call(model)


def test_a_tagger_gives_no_softmax():
    tagger = vlbench.load_model("tiny-ram-plus", device="cpu")
    with pytest.raises(Unsupported, match="a probability of its own"):
        tagger.classify([new("RGB", (8, 8))], ["circle"])


def test_a_name_of_several_is_refused():
    with pytest.raises(VlbenchError, match="load_model takes one model, not 2"):
        vlbench.load_model("tiny-ram-plus*")
    with pytest.raises(VlbenchError, match="load_model takes the name of a model, not a NoneType"):
        vlbench.load_model(None)
    with pytest.raises(VlbenchError, match=r"a task is asked for by its name, .*not a int"):
        vlbench.load_task(3)
    with pytest.raises(VlbenchError, match=r"shapes-\[mo\]\* is 2 tasks; name one"):
        vlbench.load_task("shapes-[mo]*")


def test_what_is_cut_or_converted_is_a_warning(model):
    with pytest.warns(UserWarning, match="^1 sentences longer than the model reads.*first: red red"):
        model.encode_texts(["a red square", "red " * 200])
    wide = fromarray(np.full((8, 8), 9999, np.uint16))
    with pytest.warns(UserWarning, match="^1 images of 16 bits or more.*first: 1"):
        model.score([new("RGB", (8, 8)), wide, wide], ["a red square"])
