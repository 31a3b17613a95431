"""The laws of devices, checked without one (fake_device.py): none is waited for beyond what is counted."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from colour_model import squares
from contracts.adapter_samples import SAMPLES
from contracts.test_method_laws import asked_of
from fake_device import NAME, FakeTensor, TwoDevices, Waits, device

from vlbench.cards.build import open_model
from vlbench.cards.catalogue import read_catalogue
from vlbench.core.capabilities import IMAGES_ALONE, VECTORS, ScoresPairs, Vectors
from vlbench.core.contracts import Placement, ScoreUnit, Text
from vlbench.core.method import Head, Method
from vlbench.core.problem import Asked, Problem, by_words
from vlbench.core.registry import METHODS, SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.engine import scoring as engine
from vlbench.engine.chunk import Reduction
from vlbench.engine.evaluate import evaluate
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.feature_store import FeatureSpace, leading_bytes
from vlbench.engine.image_pass import Done, Sink
from vlbench.engine.passes import encode_images
from vlbench.engine.plan import plan_job
from vlbench.engine.scoring import fresh_scores, predict
from vlbench.engine.session import Session
from vlbench.engine.settings import RunSettings
from vlbench.models.shared import text_tower
from vlbench.models.shared.token_tree import TokenTree

pytestmark = pytest.mark.any_kernel

PRECISIONS = ("fp32", "bf16")
"""fp16 goes the way of bf16, with another type."""
CARDS = ("tiny-coop", "tiny-ram-plus", "tiny-ram-plus-open")
"""Models of cards that are made otherwise than the samples of their adapters."""
MOST_MOVES = 3
"""Copies to the device at most that texts of one tree of tokens take, however many they are."""


def of_card(name, folder):
    found = open_model(name, read_catalogue(), cache=folder).checkpoint
    found.load(Placement())  # what is digested of its weights is remembered; there are none on the device
    return found


def of_adapter(name, folder):
    return SAMPLES[name](folder).open(None)


CHECKPOINTS = {
    **{name: partial(of_adapter, name) for name in SAMPLES},
    **{name: partial(of_card, name) for name in CARDS},
}


@pytest.fixture(scope="module", params=sorted(CHECKPOINTS))
def checkpoint(request, tmp_path_factory):
    return CHECKPOINTS[request.param](tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return of_card("tiny-clip", tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def there(monkeypatch):
    with torch.inference_mode(), device(monkeypatch) as found:
        yield found


def assert_there(found, *shape):
    assert isinstance(found, FakeTensor)
    assert (found.device, found.dtype, tuple(found.shape)) == (torch.device(NAME), torch.float32, shape)


def blank(model, count):
    return torch.zeros(count, 3, *model.info.image_size, dtype=torch.uint8)


def texts_of(model):
    """A few texts that a model knows; where it takes any, of several and of different sentences."""
    if hasattr(model, "tags"):
        return model.tags()[:5]
    prompts = [(), ("a cat", "a photo of a cat, two dogs and a bird"), ("a red circle",)]
    described = [Text("dog", descriptions=("it barks", "it runs")), Text("house")]
    return (*(Text(f"cat {len(each)}", each) for each in prompts), *described)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_all_of_a_model_is_on_its_device_and_is_not_waited_for(checkpoint, precision, there):
    if precision == "fp32" and checkpoint.name not in CARDS:
        pytest.skip("bf16 does the same, and casts besides")
    model = checkpoint.load(Placement(NAME, precision))
    texts, pixels = texts_of(model), blank(model, 5).to(NAME)
    reads_words = IMAGES_ALONE not in checkpoint.capabilities
    if reads_words:
        model.encode_texts(texts[:1], batch_size=4)  # the trial of trees, once for a model
    there.counted()
    images = model.encode_images(pixels)
    assert_there(images, 5, *model.info.feature_shape)
    if isinstance(model, Vectors):
        width = model.vectors(images).shape[1]
        assert_there(model.vectors(images), 5, width)
    assert there.counted() == {}
    if not reads_words:
        return
    rows = model.encode_texts(texts, batch_size=64)
    assert_there(rows, 5, *rows.shape[1:])
    moves = there.counted()
    assert moves.keys() == {"there"}
    assert moves["there"] <= MOST_MOVES
    model.encode_texts(texts, batch_size=1)
    assert there.counted() == moves  # none for each batch
    assert_there(model.score(images, rows), 5, 5)
    if isinstance(model, ScoresPairs):
        assert_there(model.score_pairs(images, rows), 5)
    if isinstance(model, Vectors):
        assert_there(model.vectors(rows), 5, width)
    assert there.counted() == {}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_text_tower_that_runs_whole_is_not_waited_for(tiny, precision, there, monkeypatch):
    monkeypatch.setattr(text_tower, "is_causal", lambda model: False)
    model = tiny.load(Placement(NAME, precision))
    there.counted()
    assert_there(model.encode_texts(texts_of(model), batch_size=2), 5, *model.info.feature_shape)
    assert there.counted() == {"there": 2}  # tokens, and how they are averaged


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_a_precision_reaches_the_device(tiny, precision, dtype, there):
    model = tiny.load(Placement(NAME, precision))
    made = []

    def watched(pixels):
        made.append(model.image_tower(pixels))
        return made[0]

    assert_there(replace(model, image_tower=watched).encode_images(blank(model, 2)), 2, *made[0].shape[1:])
    assert made[0].dtype == dtype


@pytest.mark.parametrize("name", ["clip", "transformers"])
def test_the_scale_of_cosines_is_computed_on_the_cpu(name, there, tmp_path):
    found = of_adapter(name, tmp_path).load(Placement(NAME)).info.unit.scale
    assert found == float(torch.tensor(0.5).exp())  # of what is read back


SETTINGS = RunSettings(device=NAME, batch_size=4)
IMAGES = squares(("red", "green", "blue", "yellow", "white") * 2)
BATCHES = 3
"""Of four, for ten images."""


def executor_of(model, workers=0):
    settings = replace(SETTINGS, workers=workers)
    return LocalExecutor(lambda: model, settings, batch_size=4, text_batch_size=4, loaded=model)


def encoded(model, folder, *reductions, workers=0):
    """What is stored of images by each reduction of their features."""
    keys = [str(place) for place in range(len(IMAGES))]
    with ExitStack() as stack:
        spaces = [
            stack.enter_context(FeatureSpace(folder / str(place))) for place, _ in enumerate(reductions)
        ]
        wanted = [Sink(*each) for each in zip(reductions, spaces, strict=True)]
        encode_images(executor_of(model, workers), IMAGES, keys, wanted, Done())
        return [space.gather(keys) for space in spaces]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["tiny-clip", "tiny-ram-plus"])
def test_a_batch_of_images_is_sent_once_and_each_reduction_of_it_read_back_once(
    name, workers, there, tmp_path
):
    model = of_card(name, tmp_path).load(Placement(NAME))
    shape = model.encode_texts(texts_of(model), batch_size=4).shape
    features, scores = Reduction("features"), Reduction("scores", np.ones(tuple(shape), dtype=np.float32))
    there.counted()
    (found,) = encoded(model, tmp_path / "one", features, workers=workers)
    assert found.shape == (len(IMAGES), *model.info.feature_shape)
    assert there.counted() == {"sent": BATCHES, "back": BATCHES}
    *_, found = encoded(model, tmp_path / "all", features, Reduction("vectors"), scores, workers=workers)
    assert found.shape == (len(IMAGES), 5)
    # equal texts are one column
    assert there.counted() == {"sent": BATCHES, "back": 3 * BATCHES, "there": 2}


def test_a_chunk_of_texts_is_read_back_once(tiny, there):
    model = tiny.load(Placement(NAME))
    texts = [Text(f"{number} dogs", (f"{number} dogs",)) for number in range(20)]
    model.encode_texts(texts[:1], batch_size=4)
    there.counted()
    ((positions, features),) = executor_of(model).encode_texts(texts)
    assert (len(positions), features.shape) == (20, (20, *model.info.feature_shape))
    assert there.counted() == {"there": 2, "back": 1}  # the tree, and how prompts are averaged


N, M = 11, 6
GENERATOR = np.random.default_rng(0)
RIGHT = GENERATOR.random((N, M)) < 0.2
SCORES = GENERATOR.random((N, M), dtype=np.float32)
MASKS = {"only": RIGHT | (GENERATOR.random((N, M)) < 0.5), "but": ~RIGHT & (GENERATOR.random((N, M)) < 0.5)}


def pairs(marks):
    return Relevance.from_pairs(*np.nonzero(marks), (N, M))


def problem(how):
    texts = by_words(tuple(Text(str(place)) for place in range(M)))
    asked = None if how is None else Asked(how, pairs(MASKS[how]))
    return Problem(squares(("red",) * N), texts, pairs(RIGHT), asked)


def blocks_of(scores, how):
    """Blocks on the device of a model whose image features are rows of scores."""
    return fresh_scores(
        lambda images, texts: images[:, texts[:, 0].long()],
        lambda places: scores[places],
        leading_bytes(scores),
        texts=np.arange(M, dtype=np.float32)[:, None],
        problem=problem(how),
        device=NAME,
        score_pairs=lambda images, texts: images.gather(1, texts[:, :1].long())[:, 0],
    )


COUNTS = {
    "columns": ({"there": 2, "back": 1}, {"there": 2, "back": 1}),
    "matrix": ({"back": 1}, {}),
    "two_way_best": ({"there": 1, "back": 1}, {"back": 1}),
    "row_ranks": ({"there": 2, "back": 6}, {}),
    "two_way_ranks": ({"there": 2, "back": 2}, {"there": 1, "back": 1}),
}
"""What a scoring that reads blocks asks of the device for each block, and once."""
TWICE = ("columns", "two_way_ranks")
"""Scorings that compute every block again, unless one is all."""


@pytest.mark.parametrize("rows", [64, 4])
@pytest.mark.parametrize("how", [None, "only", "but"])
@pytest.mark.parametrize("name", sorted(SCORINGS.names()))
def test_a_scoring_asks_of_the_device_what_is_counted_here(name, how, rows, there, monkeypatch):
    if how != "only" and name == "asked_pairs":
        how = "only"  # it reads no other
    monkeypatch.setattr(engine, "BLOCK_BYTES", 4 * M * rows)
    blocks = blocks_of(SCORES, how)
    assert there.counted() == {"there": 1}  # texts
    scoring = SCORINGS.get(name)
    blocks = replace(
        blocks,
        vectors=lambda: SCORES,
        features={"candidates": lambda: SCORES, "queries": lambda: np.ascontiguousarray(SCORES.T)},
        cut=lambda: np.zeros(M, dtype=np.bool_),
    )
    arrays = predict(blocks, problem(how), scoring, ScoreUnit("cosine"))
    assert arrays.arrays.keys() == scoring.keeps
    assert there.counted() == asked_of_blocks(name, how, rows)


def asked_of_blocks(name, how, rows):
    """The counts of a scoring's passes over blocks."""
    if name not in COUNTS:
        return {"asked_pairs": {"there": 4, "back": 1}, "features": {}}[name]
    blocks = -(-N // rows)
    passes = 2 if name in TWICE and blocks > 1 else 1
    each, once = COUNTS[name]
    found = {key: each.get(key, 0) * blocks + once.get(key, 0) for key in ("there", "back")}
    # of each block its images, and rows and columns of what is not asked about; whether all is finite
    found["there"] += passes * blocks * (3 if how else 1)
    return {**{key: count for key, count in found.items() if count}, "number": passes * blocks}


def test_equal_candidates_take_one_more_copy_a_block(there):
    scores = SCORES.copy()
    scores[[4, 9]] = scores[1]
    blocks = blocks_of(scores, None)
    there.counted()
    predict(blocks, problem(None), SCORINGS.get("matrix"), ScoreUnit("cosine"))
    assert there.counted() == {"there": 2, "back": 1, "number": 1}  # images, and which of them are equal


def nearest(lesson):
    """A probe that reads both sides as vectors."""
    lesson.splits["train"].vectors()
    words = lesson.words()
    return Head(score=lambda rows: rows @ words.T)


PROBE = Method(
    "probe",
    fit=nearest,
    parts=frozenset({"score"}),
    learns_from=frozenset({"train"}),
    needs=frozenset({VECTORS}),
)
COMPOSER = Method(
    "composer",
    fit=lambda lesson: Head(compose=lambda images, words: images + words),
    parts=frozenset({"compose"}),
    needs=frozenset({VECTORS}),
)
RUNS = {
    "best-f1": {"sent": 16, "there": 13, "back": 22, "number": 3},
    "composer": {"sent": 16, "there": 9, "back": 21, "number": 2},
    "probe": {"sent": 16, "there": 7, "back": 20, "number": 1},
    "elevater-probe": {"sent": 16, "there": 7, "back": 20, "number": 1},
    **{name: {"sent": 16, "there": 2, "back": 18} for name in ("knn", "logistic", "mieb-probe", "ridge")},
    "linear-probe": {"sent": 16, "there": 16, "back": 19},
    "tip-adapter": {"sent": 16, "there": 7, "back": 20, "number": 1},
    "zero-shot": {"sent": 8, "there": 10, "back": 13, "number": 2},
}
"""Eight batches of images, and as many of a split or of references, are sent and read back.

What else is moved: the trial of trees, which asks for a number, the texts' trees and how they are averaged,
then both sides of what is scored or made a vector. A dry pass of a model's own scores reads back three times.
A layer that is trained there takes vectors, classes, weights and biases, and the order of each of ten epochs.
"""
DEFAULTS = {"mieb-probe": {"shots": 6}}
"""Settings of what does not learn from six images a class by default."""


def with_search(moved, settings):
    """What a search of so many settings, of ten epochs each and fifty at last, moves beside the rest.

    A setting takes vectors, classes and words, an epoch an order; its weights are read back in four parts.
    """
    epochs = 10 * settings + 50
    return {
        **moved,
        "there": moved["there"] + 3 * (settings + 1) + epochs,
        "back": moved["back"] + 4 * epochs,
    }


@pytest.mark.parametrize("name", sorted({*METHODS.names(), *RUNS}))
def test_a_run_by_a_method_asks_of_the_device_what_is_counted_here(name, tiny, there, tmp_path):
    method = {"probe": PROBE, "composer": COMPOSER}.get(name) or METHODS.get(name)(**DEFAULTS.get(name, {}))
    job = plan_job(tiny, asked_of(method, 6), SETTINGS, method=method)
    with Session(tiny, SETTINGS, tmp_path) as session:
        assert session.executor.model.info.name == "tiny-clip"  # loaded
        there.counted()
        _, found = evaluate(job, session)
    assert all(each.value is None or np.isfinite(each.value) for each in found.values)
    settings = found.facts.learned.get("settings")
    assert there.counted() == (with_search(RUNS[name], settings) if settings else RUNS[name])


# what the laws would not see, if they could not fail


def test_a_mean_that_was_left_on_the_cpu_is_seen(tiny, there):
    model = tiny.load(Placement(NAME))
    left = replace(model, normalisation=lambda pixels: pixels.float().sub_(torch.ones(3, 1, 1)))
    with pytest.raises(TwoDevices, match="sub_"):
        left.encode_images(blank(model, 2).to(NAME))


def test_a_tree_that_was_left_on_the_cpu_is_seen(tiny, there, monkeypatch):
    model = tiny.load(Placement(NAME))
    monkeypatch.setattr(TokenTree, "on", lambda tree, device: tree)
    model.text_encoder.tower.__dict__["reads_trees"] = True
    with pytest.raises(TwoDevices, match="index"):
        model.encode_texts(texts_of(model), batch_size=4)


@pytest.mark.parametrize(
    "ask", [torch.Tensor.item, bool, float, torch.Tensor.cpu], ids=lambda ask: ask.__name__
)
def test_a_wait_within_a_batch_is_seen(ask, tiny, there, tmp_path):
    model = tiny.load(Placement(NAME))

    def asking(pixels):
        ask(pixels.sum())
        return model.image_tower(pixels)

    there.counted()
    encoded(replace(model, image_tower=asking), tmp_path, Reduction("features"))
    assert there.counted() != {"sent": BATCHES, "back": BATCHES}


@pytest.mark.parametrize(
    "ask",
    [
        torch.unique,
        torch.nonzero,
        lambda rows: rows[rows > 0],
        lambda rows: rows.index_put_((rows > 0,), rows[:1]),
        lambda rows: rows.masked_select(rows > 0),
        lambda rows: torch.where(rows > 0),
        lambda rows: torch.bincount(rows.long()),
    ],
)
def test_a_shape_that_hangs_on_numbers_is_refused(ask, there):
    with pytest.raises(Waits, match="plan it on the CPU"):
        ask(torch.ones(4).to(NAME))


@pytest.mark.parametrize(
    "meet",
    [
        lambda rows: rows + torch.ones(4),
        lambda rows: rows[torch.tensor([0, 1])],
        lambda rows: torch.cat([rows, torch.ones(4)]),
        lambda rows: rows.index_put_((torch.tensor([0]),), torch.ones(1)),
    ],
)
def test_tensors_of_two_devices_do_not_meet(meet, there):
    with pytest.raises(TwoDevices):
        meet(torch.ones(4).to(NAME))


def test_what_is_not_pinned_is_waited_for(there):
    pinned, plain = torch.zeros(4, pin_memory=True), torch.zeros(4)
    pinned[1:].to(NAME, non_blocking=True)
    assert there.counted() == {"sent": 1}
    pinned.to(NAME)
    plain.to(NAME, non_blocking=True)
    torch.empty(4, device=NAME).copy_(plain)
    torch.tensor([1, 2], device=NAME)
    torch.zeros(4, device=NAME)[[0, 1]] = 2.0
    assert there.counted() == {"there": 5}
    plain.to(NAME)[torch.ones(4, device=NAME) > 0] = 0.0  # one number needs no count of the mask
    assert there.counted() == {"there": 1}
