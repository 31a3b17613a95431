"""What every registered source promises of its examples, on a miniature of each."""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context

import pytest
from contracts.source_samples import SAMPLES
from PIL.Image import Image

from vlbench.core.contracts import Dataset
from vlbench.core.registry import SOURCES

pytestmark = pytest.mark.any_kernel

IMAGE_BYTES = 1_000


@pytest.fixture(scope="module", params=sorted(SAMPLES))
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return SAMPLES[request.param](tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Executor]:
    """Another process, which shares nothing but the disk."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def digest(image: Callable[[], Image]) -> str:
    return sha256(image().convert("RGB").tobytes()).hexdigest()


def test_every_source_has_a_sample() -> None:
    assert {name for name in SOURCES.names() if SOURCES.distribution(name) == "vlbench"} == SAMPLES.keys()


def test_images_are_small_and_open_the_same_elsewhere(source: Dataset, elsewhere: Executor) -> None:
    positions = range(min(len(source), 10))
    images = [source[i].image for i in positions]
    here = [digest(image) for image in images]  # files that it opened stay behind
    assert max(len(pickle.dumps(image)) for image in images) < IMAGE_BYTES
    assert list(elsewhere.map(digest, images)) == here


def test_examples_are_a_lazy_sequence_with_states(source: Dataset) -> None:
    assert isinstance(source, Dataset)
    assert not isinstance(source.examples, (list, tuple))
    assert [one.state for one in source.examples] == [source[i].state for i in range(len(source))]
    assert all(one.state or one.key for one in source.examples)
    assert len({one.id for one in source.examples}) == len(source)
    assert source[-1].id == source[len(source) - 1].id
    with pytest.raises(IndexError):
        source[len(source)]


def test_a_whole_source_travels(source: Dataset) -> None:
    for i in range(len(source)):
        source[i].image().load()
    there = pickle.loads(pickle.dumps(source))
    assert (there.name, there.revision, len(there)) == (source.name, source.revision, len(source))
    last = len(source) - 1
    assert there[last].id == source[last].id
    assert digest(there[last].image) == digest(source[last].image)
