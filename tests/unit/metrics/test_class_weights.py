import numpy as np
import pytest

from vlbench.core.relevance import Relevance
from vlbench.metrics.class_weights import Pairs, class_spread, class_weights


def test_classes_of_one_size_have_the_variance_of_a_stratified_sample():
    # two classes of four: each squared residual counts 1 / (4 x 3), the mean of two halves that twice
    factors = class_weights(np.array([4, 4])).factors
    assert factors**2 == pytest.approx(np.full(2, 1 / (4 * 3) / 4))
    assert class_weights(np.array([4, 4])).equivalent == pytest.approx(8)
    assert class_weights(np.array([4, 4])).freedom == pytest.approx(6)


def test_classes_of_one_image_vary_between_them():
    found = class_weights(np.ones(10, dtype=np.int64))
    assert found.factors**2 == pytest.approx(np.full(10, 1 / (10 * 9)))
    assert (found.freedom, found.equivalent) == (pytest.approx(9), pytest.approx(10))


def test_a_single_class_of_one_image_borrows_from_the_next_size():
    # alone it has no degree of freedom: its 1 / 9 of the variance is that of the classes of 21 images
    factors = class_weights(np.array([1, 21, 21])).factors
    assert factors[0] == 0
    assert factors[1:] ** 2 == pytest.approx(np.full(2, (2 / 21 / 9 + 1 / 9) / 40))


def test_a_size_takes_as_much_as_it_lacks():
    # six classes of one image have 5 degrees of freedom and take 10 from the 20 of the class of 21
    factors = class_weights(np.array([*[1] * 6, 21])).factors
    assert factors[0] ** 2 == pytest.approx(6 / 49 * 5 / 15 / 5)
    assert factors[6] ** 2 == pytest.approx((1 / 21 / 49 + 6 / 49 * 10 / 15) / 20)


def test_one_image_in_all_has_no_variance_to_tell():
    found = class_weights(np.array([1]))
    assert (found.factors.tolist(), found.freedom) == ([0.0], 0.0)


def test_the_variance_is_right_on_average_with_classes_of_one_image():
    generator = np.random.default_rng(0)
    sizes = np.array([40, 20, 5, 2, *[1] * 8])
    classes = np.repeat(np.arange(sizes.size), sizes)
    truth = Relevance(np.arange(classes.size), classes, (classes.size, sizes.size))
    pairs = Pairs(truth.candidates, truth.queries)
    means, variances = [], []
    for _ in range(4000):
        right = generator.random(classes.size) < 0.7
        shares = np.bincount(classes, weights=right) / sizes
        influence = (right - shares[classes]) / sizes[classes]
        means.append(shares.mean())
        variances.append(class_spread(truth, pairs, influence, values=shares).variance)
    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.06)


def test_images_of_several_tags_vary_together():
    # both tags are true of the same two images: what they add is added before it is squared
    truth = Relevance(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), (2, 2))
    pairs = Pairs(truth.candidates, truth.queries)
    influence = np.array([0.25, 0.25, -0.25, -0.25])  # either tag is found on image 0 alone
    found = class_spread(truth, pairs, influence, values=np.array([0.5, 0.5]))
    assert found.variance == pytest.approx(0.25)  # that of one mean of 1 and 0
    assert found.images == 2
