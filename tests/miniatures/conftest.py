"""The real models of the miniatures."""

import pytest
from contracts.adapter_samples import SAMPLES


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """The checkpoint of the shipped tiny CLIP."""
    return SAMPLES["clip"](tmp_path_factory.mktemp("tiny-clip")).open(None)


@pytest.fixture(scope="session", params=["clip", "ram_plus", "ram", "tag2text", "transformers"])
def real(request, tmp_path_factory):
    """A checkpoint of every way to score: cosines, and decoders whose images are many tokens."""
    return SAMPLES[request.param](tmp_path_factory.mktemp("real")).open(None)


@pytest.fixture(scope="session", params=["clip", "timm"])
def seeing(request, tmp_path_factory):
    """A checkpoint whose images have vectors: one that reads words as well, one of images alone."""
    return SAMPLES[request.param](tmp_path_factory.mktemp("seeing")).open(None)
