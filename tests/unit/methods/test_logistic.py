import warnings

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from vlbench.core.errors import Unsupported
from vlbench.methods.logistic import FIRST, STRENGTHS, fitted, logistic, searched
from vlbench.methods.support import Support, accuracy, unit

TIGHT = 1e-9


def exact(vectors):
    return vectors.astype(np.float64)


@pytest.mark.parametrize("kind", ["raw", "unit"])
def test_the_converged_weights_are_the_peers(probe, splits, kind):
    (vectors, labels), (tested, _) = splits["train"], splits["test"]
    if kind == "unit":
        vectors, tested = unit(vectors), unit(tested)
    found = fitted(Support(exact(vectors), labels, 8), 0.316, TIGHT)
    assert found.parameters[:-1].T == pytest.approx(probe[f"openai_logreg/{kind}/coef_converged"], abs=1e-6)
    logits = found.score(exact(tested))
    stated = probe[f"openai_logreg/{kind}/test_proba_converged"]
    assert softmax(logits, axis=1) == pytest.approx(stated, abs=1e-6)
    assert logits.argmax(axis=1).tolist() == probe[f"openai_logreg/{kind}/pred"].tolist()


def test_the_default_learns_the_predictions_of_clips_example(probe, splits, lesson):
    found = logistic().fit(lesson(train=splits["train"])).score(splits["test"][0])
    assert found.argmax(axis=1).tolist() == probe["openai_logreg/raw/pred"].tolist()


def test_the_search_tries_what_the_paper_tries(probe, splits):
    train, (tested, right) = splits["train"], splits["val"]
    tried = {}

    def try_place(place):
        found = fitted(Support(exact(train[0]), train[1], 8), STRENGTHS[place], TIGHT)
        tried[place] = accuracy(found.score(exact(tested)), right)
        return tried[place]

    best = searched(try_place)
    assert list(tried) == probe["paper_sweep/tried_idx"].tolist()
    assert best == probe["paper_sweep/best_idx"]
    assert STRENGTHS[best] == pytest.approx(probe["paper_sweep/best_C"])
    # at 1e6 no solver comes to an end: its image of a fortieth is left out
    stated = dict(zip(tried, probe["paper_sweep/val_acc_tried"], strict=True))
    assert {place: tried[place] for place in tried if place < 96} == pytest.approx(
        {place: stated[place] for place in tried if place < 96}
    )


def test_a_search_ends_within_an_eighth_of_a_decade_of_the_peak():
    peak, asked = 53, []

    def try_place(place):
        asked.append(place)
        return -abs(place - peak)

    assert searched(try_place) == peak
    assert asked[:7] == list(FIRST)
    assert len(asked) == len(set(asked)) <= 15


def test_a_search_refits_on_both_splits(probe, splits, lesson):
    train, val, (tested, right) = splits["train"], splits["val"], splits["test"]
    asked = lesson(train=(exact(train[0]), train[1]), validation=(exact(val[0]), val[1]))
    found = logistic(search="validation", tolerance=TIGHT).fit(asked).score(exact(tested))
    stated = probe["paper_sweep/test_proba_trainval"]
    assert softmax(found, axis=1) == pytest.approx(stated, abs=1e-6)
    assert accuracy(found, right) == probe["paper_sweep/test_accuracy_trainval"]


def test_a_search_with_shots_learns_from_those_alone(splits, lesson):
    asked = lesson(train=splits["train"], validation=splits["val"])
    other = lesson(train=splits["train"], validation=(splits["val"][0][::-1], splits["val"][1][::-1]))
    method = logistic(search="validation", shots=4)
    tested = splits["test"][0]
    assert (method.fit(asked).score(tested) == method.fit(other).score(tested)).all()


@pytest.mark.parametrize("classes", [2, 5])
def test_two_classes_are_penalised_as_scikit_learn_does(made, classes):
    vectors, labels = made(60, classes=classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(exact(vectors), labels)
    found = fitted(Support(exact(vectors), labels, classes), 0.5, TIGHT)
    found = softmax(found.score(exact(vectors)), axis=1)
    assert found == pytest.approx(peer.predict_proba(exact(vectors)), abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"c": 0.0}, "needs c and tolerance above 0"),
        ({"tolerance": -1.0}, "needs c and tolerance above 0"),
        ({"c": 1.0, "search": "validation"}, "leave c=1 or the search out"),
    ],
)
def test_settings_without_sense_are_refused(settings, said):
    with pytest.raises(Unsupported, match=said):
        logistic(**settings)
