"""Workers of Ray make what this process makes, whichever of them die."""

import errno
import os
import signal
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from colour_model import ColourCheckpoint, ColourModel
from colour_tagger import colour_tagger
from PIL import Image

from vlbench.cards.build import open_model, open_training
from vlbench.cards.catalogue import read_catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.contracts import Dataset, Example, Target
from vlbench.core.errors import DataError, Unsupported, WorkersLost
from vlbench.core.registry import ADAPTERS
from vlbench.engine.chunk import Reduction
from vlbench.engine.executors import cluster as rays
from vlbench.engine.executors import pool as pools
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.executors.pool import Pool
from vlbench.engine.executors.spread import SpreadExecutor
from vlbench.engine.feature_store import FeatureSpace
from vlbench.engine.image_pass import ImagePass, Sink
from vlbench.engine.passes import encode_passes
from vlbench.engine.settings import RunSettings
from vlbench.fitting.coop import Few, Frozen, fit, labels_of
from vlbench.fitting.coop_recipe import CoopRecipe
from vlbench.fitting.few_shot import sample
from vlbench.tagging.answer import BrokenImage
from vlbench.tagging.job import prepare
from vlbench.tagging.stream import tag_images

pytestmark = [pytest.mark.slow, pytest.mark.any_kernel]
TESTS = Path(__file__).parents[3]
LOCAL = RunSettings(batch_size=4, workers=1)
SPREAD = RunSettings(batch_size=4, workers=1, executor="ray", devices=("cpu", "cpu"))
CHUNKS = 20


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node with room for three workers, that another can join; none outside reaches it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in rays.LOCAL.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
        import ray
        from ray.cluster_utils import Cluster

        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 3, "include_dashboard": False})
        ray.init(found.address, log_to_driver=False, logging_level="ERROR")
        yield found
        ray.shutdown()
        found.shutdown()


@pytest.fixture(scope="module")
def workers(cluster):
    told: list[str] = []
    with closing(Pool(SPREAD, told.append)) as pool:
        yield pool, told


def picture(place: int) -> Image.Image:
    return Image.new("RGB", (2, 2), (place % 251, place // 251, 7))


def missing(path: str) -> Image.Image:
    return Image.open(path)


def forbidden(path: str) -> Image.Image:
    raise PermissionError(errno.EACCES, "Permission denied", path)


def faulty(_: int) -> Image.Image:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory")


def deadly(_: int) -> Image.Image:
    os._exit(1)


def images(name: str = "pictures", odd=None, count: int = CHUNKS * 16) -> Dataset:
    """Pictures, no two of them equal, whose keys are not known; `odd` opens the fifth."""
    opened = {place: partial(picture, place) for place in range(count)} | ({} if odd is None else {5: odd})
    examples = [Example(str(place), opened[place], Target(), f"{name} {place}") for place in range(count)]
    return Dataset(name, "1", examples)


def encoded(executor, folder, *datasets, keys=None, during=lambda _: None):
    """What is stored of data sets, and their passes; `during` is called after each answer."""
    spaces = [FeatureSpace(folder / dataset.name) for dataset in datasets]
    reductions = Reduction("scores", np.eye(3, dtype=np.float32)), Reduction("features")
    scores = [FeatureSpace(folder / f"scores of {dataset.name}") for dataset in datasets]
    passes = [
        ImagePass(dataset, keys, (Sink(reductions[0], other), Sink(reductions[1], space)), 16)
        for dataset, space, other in zip(datasets, spaces, scores, strict=True)
    ]

    class Watched(type(executor)):
        def encode_passes(self, passes):
            for count, made in enumerate(executor.encode_passes(passes)):
                yield made
                during(count)

    encode_passes(Watched(*(getattr(executor, name) for name in executor.__dataclass_fields__)), passes)
    arrays = [
        space.gather(one.done.keys)
        for pair, one in zip(zip(spaces, scores, strict=True), passes, strict=True)
        for space in pair
        if one.done.error is None
    ]
    for space in (*spaces, *scores):
        space.close()
    return arrays, passes


def local(model=None):
    model = model or ColourModel()
    return LocalExecutor(lambda: model, LOCAL)


def spread(pool: Pool, pause: float = 0.0) -> SpreadExecutor:
    checkpoint = ColourCheckpoint(ColourModel(pause=pause), name=f"colour {pause}")
    return SpreadExecutor(LocalExecutor(checkpoint.model, SPREAD), checkpoint, pool)


def assert_equal(found, expected):
    for mine, theirs in zip(found[0], expected[0], strict=True):
        assert mine.tobytes() == theirs.tobytes()
    for mine, theirs in zip(found[1], expected[1], strict=True):
        assert (mine.done.keys, mine.done.encoded) == (theirs.done.keys, theirs.done.encoded)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return encoded(local(), tmp_path_factory.mktemp("local"), images(), images("others", count=33))


def test_they_make_what_this_process_makes_and_nothing_of_it_twice(workers, expected, tmp_path):
    found = encoded(spread(workers[0]), tmp_path, images(), images("others", count=33))
    assert_equal(found, expected)
    assert workers[0].device_names == ["cpu"]
    again = encoded(spread(workers[0]), tmp_path, images())  # keys are not known: all are read
    assert (again[1][0].done.keys, again[1][0].done.encoded) == (expected[1][0].done.keys, 0)
    known = encoded(spread(workers[0]), tmp_path / "known", images(), keys=expected[1][0].done.keys)
    assert known[1][0].done.encoded == CHUNKS * 16
    assert known[0][0].tobytes() == expected[0][0].tobytes()


def test_a_worker_that_is_killed_costs_its_chunks_another_try(workers, expected, tmp_path):
    pool, told = workers

    def kill(count):
        if count == 2:
            os.kill(pool.ready[0].about.process, signal.SIGKILL)

    found = encoded(spread(pool, 0.01), tmp_path, images(), images("others", count=33), during=kill)
    assert_equal(found, expected)
    assert [line.partition(", and")[0].startswith("a worker on ") for line in told] == [True]


def test_an_image_that_kills_every_worker_ends_its_pass_and_no_other(
    workers, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(pools, "TRIES", 1)
    found, (poisoned, one) = encoded(
        spread(workers[0]), tmp_path, images("poisoned", partial(deadly, 0), 16), images("others", count=33)
    )
    assert isinstance(poisoned.done.error, WorkersLost)
    assert str(poisoned.done.error).startswith("2 workers died over images 1 to 16 of poisoned (")
    assert found[0].tobytes() == expected[0][2].tobytes()
    assert one.done.keys == expected[1][1].done.keys


def test_an_image_that_a_worker_does_not_see_is_named(workers, tmp_path):
    odd = partial(missing, "/nowhere/5.png")
    _, (one,) = encoded(spread(workers[0]), tmp_path, images("elsewhere", odd, 16))
    assert isinstance(one.done.error, DataError)
    told, host = str(one.done.error), os.uname().nodename
    assert told.startswith("elsewhere: image 5 does not decode ([Errno 2]")
    assert told.endswith(f"the worker on {host} does not see it; mount its folder on every node")


def test_a_fault_of_a_workers_machine_is_told_as_one_and_not_as_an_images(workers, tmp_path):
    odd = partial(forbidden, "/nowhere/5.png")
    _, (one,) = encoded(spread(workers[0]), tmp_path, images("forbidden", odd, 16))
    told = f"the worker on {os.uname().nodename}: /nowhere/5.png: Permission denied; let this user read"
    assert str(one.done.error).startswith(told)
    with pytest.raises(RuntimeError, match=r"^DefaultCPUAllocator: can't allocate memory$"):
        encoded(spread(workers[0]), tmp_path, images("faulty", partial(faulty, 0), 16))


def test_a_node_that_is_removed_costs_its_chunks_another_try(cluster, expected, tmp_path):
    node = cluster.add_node(num_cpus=1)
    pool = Pool(SPREAD)
    pool.put(None)
    while len(pool.ready) < 2:  # one on the first node, where there is room for no more, and one on this
        pool.wait()

    def remove(count):
        if count == 4:
            cluster.remove_node(node, allow_graceful=False)

    with closing(pool):
        found = encoded(spread(pool, 0.01), tmp_path, images(), images("others", count=33), during=remove)
    assert_equal(found, expected)


def test_tags_and_captions_are_those_of_this_process(workers, tmp_path):
    for place in range(40):
        picture(place).save(tmp_path / f"{place:02}.png")
    Image.new("CMYK", (2, 2)).save(tmp_path / "05.jpg")
    whole = (tmp_path / "07.png").read_bytes()
    (tmp_path / "07.png").write_bytes(whole[: len(whole) // 2])
    catalogue = read_catalogue()

    def said(features, guides):
        return [f"{guide}, {sum(map(float, row))}" for row, guide in zip(features, guides, strict=True)]

    def tagged(pool):
        job = prepare([str(tmp_path)], "colour-tagger:x", catalogue, pool, top_k=2)
        answers = list(tag_images(replace(job, captioner=said)))
        return answers, job.decoding

    ADAPTERS.register("colour-tagger")(colour_tagger)
    try:
        expected = tagged(Pool(LOCAL))
        assert tagged(workers[0]) == expected
    finally:
        ADAPTERS.unregister("colour-tagger")
    assert [isinstance(each, BrokenImage) for each in expected[0]] == [place == 8 for place in range(41)]
    assert expected[1].startswith("1 images of CMYK")


@pytest.mark.parametrize("features", ["frozen", "augmented"])
def test_contexts_are_learned_of_what_workers_encode_as_of_what_this_process_does(
    workers, tmp_path, features
):
    training = open_training("shapes", read_catalogue(), request=DataRequest()).task
    checkpoint = open_model("tiny-clip", read_catalogue()).checkpoint
    labels = labels_of(training)

    def contexts(pool, cache):
        frozen = Frozen.of(checkpoint, pool, name="tiny-clip")
        for seed in (1, 2):
            recipe = CoopRecipe(epochs=2, shots=1, n_ctx=2, seed=seed, features=features)
            chosen = sample(labels.tolist(), recipe.shots, seed)
            few = Few(training.problem.images, tuple(chosen), labels[chosen])
            found = fit(frozen, training, few, recipe, cache)
            yield found.context.numpy().tobytes(), found.facts, found.loss, found.accuracy

    expected = list(contexts(Pool(LOCAL), tmp_path / "local"))
    assert list(contexts(workers[0], tmp_path / "spread")) == expected


def test_an_address_where_nothing_listens_is_named():
    with pytest.raises(Unsupported, match=r"^no Ray cluster at 127.0.0.1:1 \(.*refused\); start one"):
        rays.refuse_deaf("127.0.0.1:1")
    rays.refuse_deaf("auto")
