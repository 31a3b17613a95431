from dataclasses import replace

import numpy as np
import pytest

from vlbench.core.errors import DataError, Unsupported
from vlbench.methods.support import Support, accuracy, unit
from vlbench.methods.tip_adapter import cache_of, searched, steps_to, tip_adapter


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 5.5), (1.17, 1.0), (2.0, 12.0)])
def test_the_authors_logits(probe, splits, lesson, alpha, beta):
    asked = lesson(train=splits["train"], rows=probe["tip/text_classifier"].T)
    found = tip_adapter(alpha=alpha, beta=beta).fit(asked).score(splits["test"][0])
    case = f"tip/alpha{alpha}_beta{beta}"
    assert found == pytest.approx(probe[f"{case}/logits"], abs=1e-4)
    assert 100 * accuracy(found, splits["test"][1]) == probe[f"{case}/acc_percent"]


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_authors_search(probe, splits, split):
    cache = cache_of(Support(*splits["train"], 8), probe["tip/text_classifier"].T)
    alpha, beta = searched(cache, Support(*splits[split], 8), steps_to(3.0, 20), steps_to(7.0, 40))
    stated = probe[f"tip/search_on_{split}/beta_alpha_testacc"]
    assert [beta, alpha] == pytest.approx(stated[:2])
    found = replace(cache, alpha=alpha, beta=beta).score(splits["test"][0])
    assert 100 * accuracy(found, splits["test"][1]) == stated[2]


def test_a_search_is_that_of_every_pair_scored_alone(made, monkeypatch):
    words = unit(np.random.default_rng(2).standard_normal((4, 8)).astype(np.float32))
    cache, validation = (
        cache_of(Support(*made(40, spread=2), 4), words),
        Support(*made(90, spread=2, seed=1), 4),
    )
    alphas, betas = steps_to(40.0, 5), steps_to(9.0, 6)
    scored = {
        (beta, alpha): accuracy(
            replace(cache, alpha=alpha, beta=beta).score(validation.vectors), validation.labels
        )
        for beta in betas
        for alpha in alphas
    }
    beta, alpha = max(scored, key=scored.__getitem__)
    assert len(set(scored.values())) > 3
    monkeypatch.setattr("vlbench.methods.support.BLOCK_BYTES", 8 * 40 * 7)
    assert searched(cache, validation, alphas, betas) == (alpha, beta)


def test_a_search_reads_the_validation_split_alone(probe, splits, lesson):
    rows = probe["tip/text_classifier"].T
    method = tip_adapter(search="validation")
    assert method.learns_from == {"train", "validation"}
    found = method.fit(lesson(train=splits["train"], validation=splits["val"], rows=rows))
    cache = cache_of(Support(*splits["train"], 8), rows)
    alpha, beta = searched(cache, Support(*splits["val"], 8), steps_to(3.0, 20), steps_to(7.0, 200))
    expected = replace(cache, alpha=alpha, beta=beta).score(splits["test"][0])
    assert (found.score(splits["test"][0]) == expected).all()


def test_words_of_another_width_are_refused(splits, lesson):
    asked = lesson(train=splits["train"], rows=np.eye(8, dtype=np.float32))
    with pytest.raises(DataError, match="vectors of words have 8 numbers and those of images 32"):
        tip_adapter().fit(asked)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alpha": 0.0}, "needs alpha and beta above 0"),
        ({"search": "validation", "largest_beta": 0.1}, "their largest values above 0.1"),
        ({"search": "validation", "beta": 1.0}, "leave them or the search out"),
        ({"largest_alpha": 5.0}, "with search=validation alone"),
    ],
)
def test_settings_without_sense_are_refused(settings, said):
    with pytest.raises(Unsupported, match=said):
        tip_adapter(**settings)
