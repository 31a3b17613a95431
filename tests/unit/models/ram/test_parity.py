"""RAM++, RAM and Tag2Text equal their authors' code on its fixtures."""

import json
from functools import partial
from hashlib import sha256

import numpy as np
import pytest
import torch
from parity_weights import FIXTURES, layout, normal, value
from PIL import Image
from tiny_taggers import (
    FAMILIES,
    RAM,
    fixture_tags,
    open_tagger,
    tiny_state,
    write_published,
    write_tags,
)

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.capabilities import DecidesTags, OffersTags
from vlbench.core.contracts import Origin, Placement
from vlbench.models.ram import swin
from vlbench.models.ram.checkpoint import PREPROCESSING
from vlbench.models.ram.images import image_side
from vlbench.models.ram.model import TaggerModel
from vlbench.models.ram.swin import resampled
from vlbench.models.ram.taggers import weighed
from vlbench.models.shared.dual_encoder import normalised
from vlbench.models.shared.recipe import Preprocessing

NEAR = 1e-4
CASES = json.loads((FIXTURES / "preprocess" / "preprocess.json").read_text())["cases"]
DELETED = 3
"""The tag that the Tag2Text fixture never gives."""
FULL = "full_ram_plus_swin_l_384"
CHUNK = 2**20
"""Numbers that are drawn at once, so that 120 million of them take no gigabyte in float64."""


def thresholds_of(family: str) -> list[float]:
    stated = np.load(RAM / f"tiny_{family}.npz")["class_threshold"].astype(float)
    if family == "tag2text":
        stated[DELETED] = 1.0
    return [round(float(each), 6) for each in stated]


def distance(found: torch.Tensor, golden: np.ndarray) -> float:
    assert tuple(found.shape) == golden.shape
    return float(np.abs(found.numpy() - golden).max())


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def golden(family):
    return np.load(RAM / f"tiny_{family}.npz")


@pytest.fixture(scope="module")
def model(family, tmp_path_factory) -> TaggerModel:
    folder = tmp_path_factory.mktemp(family)
    write_tags(folder, fixture_tags(family), thresholds_of(family))
    weights = write_published(folder / f"{family}.pth", tiny_state(family))
    return open_tagger(family, Origin(family, folder, weights, folder)).load(Placement())


@pytest.fixture(scope="module")
def tokens(model):
    with torch.inference_mode():
        return model.network.encode(value("input/image", (2, 3, 224, 224)))


def test_the_authors_logits_and_probabilities(model, tokens, golden):
    logits = model.score(tokens, model.encode_texts(model.tags(), batch_size=4))
    assert distance(logits, golden["logits"]) < NEAR
    assert distance(logits.sigmoid(), golden["probs"]) < NEAR


def test_the_authors_tags_by_the_models_own_thresholds(family, model, tokens, golden):
    assert isinstance(model, OffersTags)
    assert isinstance(model, DecidesTags)
    tags = model.tags()
    probabilities = model.score(tokens, model.encode_texts(tags, batch_size=4)).sigmoid()
    present = (probabilities > torch.tensor(model.tag_thresholds(tags))).numpy()
    key = "targets_after_delete" if family == "tag2text" else "targets"
    assert (present == golden[key].astype(bool)).all()
    if family != "tag2text":
        named = json.loads((RAM / f"tiny_{family}.tags.json").read_text())["tags"]
        assert [
            " | ".join(tag.name for tag, on in zip(tags, row, strict=True) if on) for row in present
        ] == named


def test_the_authors_visual_tokens(family, model, tokens, golden):
    with torch.inference_mode():
        visual = swin.tokens(model.network.visual_encoder, value("input/image", (2, 3, 224, 224)))
    assert distance(visual[:, 0], golden["visual_cls"]) < NEAR
    if family == "tag2text":
        assert torch.equal(tokens, visual)
        return
    assert distance(visual[:, 1], golden["visual_token1"]) < NEAR
    assert distance(tokens[:, 0], golden["image_cls_embed"]) < NEAR


@pytest.mark.parametrize("family", ["ram_plus"], indirect=True)
def test_the_authors_weights_of_descriptions(model, tokens, golden):
    network, texts = model.network, model.encode_texts(model.tags(), batch_size=4)
    with torch.inference_mode():
        weights = network.description_weights(tokens, texts)
        assert distance(weights, golden["description_weights"]) < NEAR
        assert distance(weighed(weights, texts), golden["label_embed_reweighted"]) < NEAR


@pytest.mark.parametrize("family", ["ram_plus"], indirect=True)
def test_rows_of_zeros_weigh_nothing(model, tokens):
    texts = model.encode_texts(model.tags(), batch_size=4)
    few = texts[:, :9]
    padded = torch.nn.functional.pad(few, (0, 0, 0, 42))
    assert (model.score(tokens, padded) - model.score(tokens, few)).abs().max() < 1e-6
    assert (model.score(tokens, few) - model.score(tokens, texts)).abs().max() > 1e-3


@pytest.mark.parametrize("windows", ["w7_to_w12", "w12_to_w7", "w7_to_w7"])
def test_the_authors_resampled_tables(windows):
    golden = np.load(RAM / "relative_position_bias_interpolation.npz")
    before, after = golden[f"in_{windows}"], golden[f"out_{windows}"]
    assert distance(resampled(torch.from_numpy(before), len(after)), after) < NEAR


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_authors_pixels(name):
    golden = np.load(FIXTURES / "preprocess" / "preprocess.npz")[f"{name}/ram"]
    height, width, size = CASES[name]
    pixels = np.clip(np.rint(128 + 60 * normal(f"input/pil_{name}", (height, width, 3))), 0, 255)
    preprocessing = Preprocessing.of({"vision_cfg": {"image_size": size}}, PREPROCESSING)
    side = image_side(torch.nn.Identity(), preprocessing, "exact", Placement("cpu"))
    found = side["preprocess"](Image.fromarray(pixels.astype(np.uint8)))
    normalisation = partial(normalised, mean=preprocessing.mean, std=preprocessing.std)
    assert distance(normalisation(found), golden.reshape(found.shape)) < 1e-5


@pytest.mark.slow
def test_the_full_size_on_all_its_tags(tmp_path):
    """329 million weights by the rule, in a file as the authors save it, through the card."""
    path = tmp_path / "ram_plus_swin_large_14m.pth"
    stated = layout(RAM / f"{FULL}.layout.json")["tensors"]
    needed = [(key, shape, rule) for key, shape, _, rule in stated if rule["kind"] != "computed"]
    write_published(path, {key: by_rule(key, shape, rule) for key, shape, rule in needed})
    model = open_model("ram-plus", read_catalogue(), weights=path).checkpoint.load(Placement())
    assert isinstance(model, OffersTags)
    with torch.inference_mode():
        tokens = model.network.encode(value("input/image", (1, 3, 384, 384)))
    logits = model.score(tokens, model.encode_texts(model.tags(), batch_size=64))
    assert distance(logits, np.load(RAM / f"{FULL}.npz")["logits"]) < NEAR


def by_rule(key: str, shape: list[int], rule: dict[str, float]) -> torch.Tensor:
    """As parity_weights.value, a part at a time: a stream of normal numbers goes on where it stopped."""
    if rule["kind"] == "const":
        return torch.full(tuple(shape), rule["value"])
    generator = np.random.Generator(
        np.random.PCG64(int.from_bytes(sha256(key.encode()).digest()[:8], "little"))
    )
    found = np.empty(int(np.prod(shape)), dtype=np.float32)
    for start in range(0, len(found), CHUNK):
        part = found[start : start + CHUNK]
        part[:] = rule["offset"] + rule["scale"] * generator.standard_normal(len(part))
    return torch.from_numpy(found.reshape(shape))
