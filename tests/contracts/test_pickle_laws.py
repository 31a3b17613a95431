"""What travels to another process is small and the same there: every registered adapter, every model card."""

import pickle

import numpy as np
import pytest
import torch
from contracts.adapter_samples import SAMPLES, words_of
from PIL import Image

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.contracts import Placement, Text

pytestmark = pytest.mark.any_kernel

CHECKPOINT_BYTES = 10_000


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def sample(request, tmp_path_factory):
    return SAMPLES[request.param](tmp_path_factory.mktemp("sample"))


def test_a_checkpoint_is_small_and_loads_the_same_model_elsewhere(sample):
    here = sample.open(None)
    identity = here.identify()
    travelled = pickle.dumps(here)
    assert len(travelled) < CHECKPOINT_BYTES
    there = pickle.loads(travelled)
    assert (there.name, there.identify()) == (here.name, identity)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 64, 3), dtype=np.uint8))
    features = []
    for model in (here.load(Placement()), there.load(Placement())):
        with torch.inference_mode():
            pixels = model.preprocess(picture)[None]
            words = [model.encode_texts([text], batch_size=1) for text in words_of(here, [Text("cat")])]
            features.append((model.encode_images(pixels), *words))
    assert all(map(torch.equal, *features))


def test_every_model_of_the_catalogue_travels_without_it():
    catalogue = read_catalogue()
    assert len(catalogue.models) > 100
    sizes = {name: len(pickle.dumps(open_model(name, catalogue).checkpoint)) for name in catalogue.models}
    assert {name: size for name, size in sizes.items() if size >= CHECKPOINT_BYTES} == {}


def test_a_model_on_top_of_another_finds_it_elsewhere(tmp_path):
    here = open_model("tiny-coop", read_catalogue(), cache=tmp_path).checkpoint
    there = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(here))))
    assert there.base.name == "tiny-clip"
    assert there.identify() == here.identify()
