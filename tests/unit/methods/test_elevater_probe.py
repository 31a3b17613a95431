from dataclasses import replace

import numpy as np
import pytest
import torch

from vlbench.core.errors import DataError, Unsupported
from vlbench.methods import elevater_probe as module
from vlbench.methods.elevater_probe import EPOCHS, LAST_EPOCHS, Start, elevater_probe, epochs, held_back
from vlbench.methods.support import Support, accuracy, unit


@pytest.fixture
def words(probe):
    """Vectors of words [8, 32] that say something of the made features."""
    return probe["tip/text_classifier"].T.copy()


def heads(support, rate, decay=0.0, count=1, *, words, of_length_1=False):
    return list(epochs(support, Start(words, of_length_1, "cpu"), rate, decay, count))


def test_at_length_1_it_begins_as_zero_shot(probe, splits, words):
    vectors, labels = splits["test"]
    (still,) = heads(Support(*splits["train"], 8), 0.0, words=words, of_length_1=True)
    assert still.score(vectors) == pytest.approx(100 * unit(vectors) @ words.T, abs=1e-4)
    assert 100 * accuracy(still.score(vectors), labels) == probe["tip/zero_shot_acc_percent"]


@pytest.mark.parametrize(("rate", "decay"), [(0.0, 0.0), (0.1, 1e-3)])
def test_it_is_pytorchs_layer_behind_its_batch_norm(splits, words, rate, decay):
    (vectors, labels), tested = splits["train"], torch.from_numpy(splits["test"][0])
    norm, layer = torch.nn.BatchNorm1d(32, affine=False), torch.nn.Linear(32, 8)
    layer.weight.data, layer.bias.data = torch.from_numpy(words), torch.zeros(8)
    peer = torch.nn.Sequential(norm, layer)
    optimizer = torch.optim.SGD(layer.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    stream = torch.Generator().manual_seed(0)
    found = heads(Support(vectors, labels, 8), rate, decay, 3, words=words)
    for head in found:
        peer.train()
        for places in torch.randperm(128, generator=stream).split(64):
            optimizer.zero_grad()
            rows = torch.from_numpy(vectors)[places]
            torch.nn.functional.cross_entropy(peer(rows), torch.from_numpy(labels)[places]).backward()
            optimizer.step()
        peer.eval()
        assert head.score(tested.numpy()) == pytest.approx(peer(tested).detach().numpy(), abs=1e-4)


def test_all_rates_and_neighbours_are_searched_on_a_fifth_and_all_images_are_learned(
    splits, words, lesson, monkeypatch
):
    asked = []

    def written(support, start, rate, decay, count):
        asked.append((len(support.labels), rate, decay, count))
        return epochs(support, start, rate, decay, count)

    monkeypatch.setattr(module, "epochs", written)
    head = elevater_probe().fit(lesson(train=splits["train"], rows=words))
    *tried, last = asked
    # a fifth of 16 images is 3.2
    assert {(images, count) for images, _, _, count in tried} == {(128 - 8 * 4, EPOCHS)}
    assert last == (128, head.learned["lr"], head.learned["weight_decay"], LAST_EPOCHS)
    assert len(tried) == len(set(tried)) == head.learned["settings"]
    rates = sorted({rate for _, rate, _, _ in tried})
    assert rates == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    for rate in rates:
        decays = [decay for _, own, decay, _ in tried if own == rate]
        assert decays[:7] == pytest.approx([1e-6, 1e-4, 1e-2, 1, 1e2, 1e4, 1e6])
        assert 11 <= len(decays) <= 15


def test_settings_that_fail_are_counted_and_none_of_them_is_taken(splits, words, lesson):
    head = elevater_probe().fit(lesson(train=splits["train"], rows=words))
    # a decay of 1e6 at a rate of 0.1 grows with each step
    assert 0 < head.learned["failed_settings"] < head.learned["settings"]
    vectors, labels = splits["test"]
    assert accuracy(head.score(vectors), labels) > accuracy(unit(vectors) @ words.T, labels)


def test_the_first_fifth_of_each_class_is_held_back(splits):
    assert held_back(np.array([1, 0, 1, 1, 1, 1, 1, 0])).nonzero()[0].tolist() == [0, 1, 2]
    labels = splits["train"][1]
    assert np.bincount(labels[held_back(labels)]).tolist() == [4] * 8


def test_where_no_setting_leads_to_numbers_it_is_said(splits, words, lesson):
    vectors, labels = splits["train"]
    with pytest.raises(DataError, match=r"elevater-probe: weights of all \d+ settings are no numbers"):
        elevater_probe().fit(lesson(train=(vectors * np.float32(1e25), labels), rows=words))


@pytest.mark.slow
def test_a_setting_that_fails_in_the_last_fit_alone_is_passed_over(splits, words, lesson, monkeypatch):
    last = []

    def failing(support, start, rate, decay, count):
        for head in epochs(support, start, rate, decay, count):
            if count == LAST_EPOCHS and not last:
                head = replace(head, parameters=head.parameters * np.nan)
            yield head
        if count == LAST_EPOCHS:
            last.append((rate, decay))

    usual = elevater_probe().fit(lesson(train=splits["train"], rows=words)).learned
    monkeypatch.setattr(module, "epochs", failing)
    learned = elevater_probe().fit(lesson(train=splits["train"], rows=words)).learned
    assert last[0] == (usual["lr"], usual["weight_decay"])
    assert last[1] == (learned["lr"], learned["weight_decay"])
    assert learned["failed_settings"] == usual["failed_settings"] + 1


def test_great_vectors_are_learned_as_others(splits, words, lesson):
    (vectors, labels), (tested, right) = splits["train"], splits["test"]
    head = elevater_probe().fit(lesson(train=(vectors * np.float32(1e12), labels), rows=words))
    assert accuracy(head.score(tested * np.float32(1e12)), right) > 0.7


def test_pytorchs_own_stream_stays_as_it_was(splits, words, lesson):
    state = torch.get_rng_state()
    elevater_probe(shots=5).fit(lesson(train=splits["train"], rows=words))
    assert (torch.get_rng_state() == state).all()


def test_a_batch_of_one_image_is_left_out(made):
    vectors, labels = made(65)
    support = Support(vectors, labels, 4)
    assert heads(support, 0.1, words=np.eye(4, 8, dtype=np.float32))[0].finite


def test_a_class_without_images_is_chosen_by_its_words(lesson, made):
    vectors, labels = made(48, spread=0.1)
    rows = np.vstack([np.stack([vectors[labels == each].mean(axis=0) for each in range(4)]), np.eye(1, 8)])
    head = elevater_probe(features="unit").fit(
        lesson(train=(vectors, labels), rows=rows.astype(np.float32), classes=5)
    )
    assert head.learned["classes_without_images"] == 1
    assert np.isfinite(head.score(vectors)).all()
    assert accuracy(head.score(vectors), labels) == 1


def test_one_image_a_class_leaves_nothing_to_search_on(lesson, made):
    vectors, _ = made(4)
    problem = lesson(train=(vectors, range(4)), classes=4).splits["train"].problem
    with pytest.raises(Unsupported, match="no class has 2 training images in pictures"):
        elevater_probe().suits({"train": problem})
    with pytest.raises(Unsupported, match="take 2 shots or more"):
        elevater_probe(shots=1)


def test_one_class_alone_is_always_right(lesson, made):
    vectors, _ = made(8)
    head = elevater_probe().fit(
        lesson(train=(vectors, [0] * 8), rows=np.eye(1, 8, dtype=np.float32), classes=1)
    )
    assert accuracy(head.score(vectors), np.zeros(8, dtype=np.int64)) == 1


def test_words_of_another_width_are_refused(splits, lesson):
    with pytest.raises(DataError, match="vectors of words have 7 numbers and those of images 32"):
        elevater_probe().fit(lesson(train=splits["train"], rows=np.zeros((8, 7), dtype=np.float32)))
