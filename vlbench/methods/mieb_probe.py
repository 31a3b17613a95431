"""mieb-probe: MTEB's and MIEB's classification, scikit-learn's logistic regression on few images a class.

Source: embeddings-benchmark/mteb, abstasks: `undersample_data` and its logistic regression. An experiment
shuffles the order that the one before it left, with one and the same stream.
"""

import warnings
from functools import partial

import numpy as np

from vlbench.core.errors import DataError
from vlbench.core.method import Head, Lesson, Method
from vlbench.methods.logistic import Logits
from vlbench.methods.support import Labels, Support, places_in_class, probe, support_of

SHOTS = 16
"""Images of a class in MIEB; it has 5 experiments."""
STREAM = 42
ITERATIONS = 100


def mieb_probe(*, shots: int = SHOTS) -> Method:
    """Scikit-learn's logistic regression on `shots` images a class; the seed is the experiment's number.

    MIEB's five experiments are the seeds 0 to 4; their mean is its score.

    Raises:
        Unsupported: there is less than one shot.
    """
    stated = {"shots": shots}  # also where they are the default: few images are not all
    return probe("mieb-probe", partial(learn, shots), shots, seeded=True, settings=stated)


def learn(shots: int, lesson: Lesson) -> Head:
    """The logistic regression of an experiment's images.

    Raises:
        DataError: its weights are no numbers.
    """
    support = support_of(lesson, shots, first_shuffled)
    logits, iterations = fitted(support)
    if not logits.finite:
        raise DataError("mieb-probe: weights are no numbers; look at the model's vectors")
    return Head(score=logits.score, learned={**support.learned, "iterations": iterations})


def fitted(support: Support) -> tuple[Logits, int]:
    """The weights after 100 iterations at most, and how many there were; of one class alone they are 0."""
    shown = np.unique(support.labels)
    parameters = np.zeros((support.vectors.shape[1] + 1, len(shown)))
    if len(shown) == 1:  # which scikit-learn refuses
        return Logits(parameters, shown, support.classes), 0
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what is learned says the iterations
        found = LogisticRegression(max_iter=ITERATIONS, random_state=STREAM).fit(
            support.vectors, support.labels
        )
    # of two classes it has the weights of the second alone
    parameters[:-1, -len(found.coef_) :] = found.coef_.T
    parameters[-1, -len(found.coef_) :] = found.intercept_
    return Logits(parameters, shown, support.classes), int(found.n_iter_.max())


def first_shuffled(labels: Labels, shots: int, experiment: int) -> Labels:
    """The first images of each class in the order of an experiment, counted from 0.

    >>> first_shuffled(np.array([1, 0, 1, 1, 0]), 1, 0).tolist()
    [1, 2]
    """
    shuffled = np.random.RandomState(STREAM).permutation(len(labels))
    order = shuffled
    for _ in range(experiment):
        order = order[shuffled]
    chosen: Labels = order[places_in_class(labels[order]) < shots]
    return chosen
