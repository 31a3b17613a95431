"""The real model of the miniatures."""

import pytest
from contracts.adapter_samples import SAMPLES


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """The checkpoint of the shipped tiny CLIP."""
    return SAMPLES["clip"](tmp_path_factory.mktemp("tiny-clip")).open(None)
