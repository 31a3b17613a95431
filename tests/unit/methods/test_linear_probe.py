import math

import numpy as np
import pytest
import torch
from score_table import kept, table_problem

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.core.registry import METRICS
from vlbench.methods.linear_probe import DECAYS, FAILED, Fit, fitted, linear_probe, tried_accuracy
from vlbench.methods.logistic import Logits, searched
from vlbench.methods.support import Support, accuracy, unit

CASES = ("full_noval", "full_val", "k4_val")


def layer(probe, case):
    """The layer that the authors' code learned."""
    weights, biases = (probe[f"clip_benchmark/{case}/{what}"] for what in ("weight", "bias"))
    parameters = np.vstack([weights.T, biases]).astype(np.float64)
    return Logits(parameters, np.arange(8), 8, of_unit=True)


def test_the_layer_begins_as_the_authors(probe, splits):
    still = fitted(Support(*splits["train"], 8), Fit(0, "cpu", rate=0.0, epochs=1)).parameters
    assert (still[:-1].T == probe["clip_benchmark/init_weight_seed0"]).all()
    assert (still[-1] == probe["clip_benchmark/init_bias_seed0"]).all()


def test_twelve_steps_on_all_images_end_where_the_authors_do(probe, splits):
    found = fitted(Support(*splits["train"], 8), Fit(0, "cpu", epochs=12, batch=128))
    assert found.parameters[:-1].T == pytest.approx(probe["clip_benchmark/fullbatch_e12/weight"], abs=2e-4)
    assert found.parameters[-1] == pytest.approx(probe["clip_benchmark/fullbatch_e12/bias"], abs=2e-4)
    vectors, labels = splits["test"]
    assert accuracy(found.score(vectors), labels) == probe["clip_benchmark/fullbatch_e12/lp_acc1"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("metric", "theirs"),
    [("acc1", "acc1"), ("acc5", "acc5"), ("mean_per_class_recall", "mean_per_class_recall")],
)
def test_metrics_of_the_authors_layers_are_theirs(probe, splits, case, metric, theirs):
    vectors, labels = splits["test"]
    scores = layer(probe, case).score(vectors)
    assert scores == pytest.approx(probe[f"clip_benchmark/{case}/test_logits"], abs=1e-4)
    problem = table_problem(labels[:, None] == np.arange(8))
    found = METRICS.get(metric)(kept(scores, problem, "row_ranks"), problem, MetricOptions())
    assert found.value == pytest.approx(float(probe[f"clip_benchmark/{case}/lp_{theirs}"]), abs=1e-12)


def test_the_rate_falls_as_a_cosine(probe, splits, monkeypatch):
    seen = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self: (seen.append(self.param_groups[0]["lr"]), step(self))
    )
    fitted(Support(*splits["train"], 8), Fit(0, "cpu"))  # 10 epochs of 2 batches
    assert seen == pytest.approx(probe["clip_benchmark/lr_20steps_base0.1"])


@pytest.mark.parametrize(("case", "best"), [("full_val", 64), ("k4_val", 0)])
def test_a_search_tries_the_decays_of_the_authors(probe, case, best):
    tried = []

    def nearer(place):
        tried.append(place)
        return -abs(place - best)

    assert searched(nearer) == best
    theirs = [int(np.abs(DECAYS / decay - 1).argmin()) for decay in probe[f"clip_benchmark/{case}/wd_tried"]]
    assert tried == list(dict.fromkeys(theirs))


def test_of_equal_decays_the_smallest_is_taken(splits, lesson, made):
    far, labels = made(64, spread=0.01)
    head = linear_probe(search="validation").fit(
        lesson(train=(far, labels), validation=(far, labels), classes=4)
    )
    assert head.learned["weight_decay"] == DECAYS[0]


def test_a_search_refits_on_both_splits_and_with_shots_on_those_alone(splits, lesson):
    asked = lesson(train=splits["train"], validation=splits["val"])
    assert linear_probe(search="validation").fit(asked).learned["images"] == 168
    found = linear_probe(search="validation", shots=4).fit(asked)
    assert found.learned["images"] == 32
    other = lesson(train=splits["train"], validation=(splits["val"][0][::-1], splits["val"][1][::-1]))
    tested = splits["test"][0]
    assert (found.score(tested) == linear_probe(search="validation", shots=4).fit(other).score(tested)).all()


def test_a_decay_whose_weights_are_no_numbers_is_never_the_best(splits):
    train = Support(*splits["train"], 8)
    wild = fitted(train, Fit(0, "cpu", epochs=60, decay=float(DECAYS[-1])))  # each step times -9
    assert not wild.finite
    assert tried_accuracy(wild, train) == FAILED == -math.inf
    assert searched(lambda place: FAILED if place < 90 else 0.0) >= 90


def test_weights_that_are_no_numbers_are_refused(splits, lesson, monkeypatch):
    wild = fitted(Support(*splits["train"], 8), Fit(0, "cpu", epochs=60, decay=100.0))
    monkeypatch.setattr("vlbench.methods.linear_probe.fitted", lambda *_: wild)
    with pytest.raises(DataError, match=r"linear-probe: weights at lr=0.1 are no numbers; take a smaller lr"):
        linear_probe().fit(lesson(train=splits["train"]))


def test_pytorchs_own_stream_is_neither_read_nor_moved(splits, lesson):
    asked = lesson(train=splits["train"], validation=splits["val"])
    heads = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        heads.append(linear_probe(search="validation").fit(asked).score(splits["test"][0]))
        assert (torch.get_rng_state() == state).all()
    assert (heads[0] == heads[1]).all()


def test_gradients_are_pytorchs():
    from vlbench.methods.linear_probe import set_gradients

    stream = torch.Generator().manual_seed(3)
    rows, weights, biases = (torch.randn(shape, generator=stream) for shape in ((5, 4), (3, 4), (3,)))
    targets = torch.tensor([0, 2, 1, 1, 0])
    own = [each.clone().requires_grad_() for each in (weights, biases)]
    torch.nn.functional.cross_entropy(7.0 * (rows @ own[0].T + own[1]), targets).backward()
    set_gradients(rows, targets, weights, biases, scale=7.0)
    assert weights.grad.numpy() == pytest.approx(own[0].grad.numpy(), abs=1e-6)
    assert biases.grad.numpy() == pytest.approx(own[1].grad.numpy(), abs=1e-6)


@pytest.mark.parametrize("size", [1e-6, 1e15])
def test_lengths_change_nothing(size, splits, lesson):
    (vectors, labels), tested = splits["train"], splits["test"][0]
    found = linear_probe().fit(lesson(train=(vectors * np.float32(size), labels)))
    own = linear_probe().fit(lesson(train=(unit(vectors), labels)))
    assert found.score(tested * np.float32(size)) == pytest.approx(own.score(tested), abs=1e-3)


def test_one_class_and_one_image_of_each_are_learned(lesson, made):
    vectors, _ = made(4)
    alone = linear_probe().fit(lesson(train=(vectors, [0] * 4), classes=1))
    assert np.isfinite(alone.score(vectors)).all()
    each = linear_probe(epochs=100).fit(lesson(train=(vectors, [0, 1, 2, 3]), classes=4))
    assert accuracy(each.score(vectors), np.arange(4)) == 1


@pytest.mark.parametrize("settings", [{"lr": 0.0}, {"lr": 1e38}, {"lr": math.nan}, {"epochs": 0}])
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(Unsupported, match="linear-probe needs lr above 0 and up to 1000, and 1 epoch"):
        linear_probe(**settings)
