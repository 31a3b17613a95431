"""mieb-probe: the classification of MTEB and MIEB, scikit-learn's logistic regression on few images per
class.

Source: embeddings-benchmark/mteb, abstasks: `undersample_data` and its logistic regression. Each experiment
shuffles the order that the previous one left, with one random stream.
"""

import warnings
from functools import partial

import numpy as np

from vlbench.core.errors import DataError
from vlbench.core.method import Head, Lesson, Method
from vlbench.methods.logistic import Logits
from vlbench.methods.support import Labels, Support, places_in_class, probe, support_of

SHOTS = 16
"""Images per class in MIEB, which runs 5 experiments."""
STREAM = 42
ITERATIONS = 100


def mieb_probe(*, shots: int = SHOTS) -> Method:
    """Scikit-learn's logistic regression on `shots` images per class; the seed numbers the experiment.

    MIEB's score is the mean of five experiments, the seeds 0 to 4.

    Raises:
        Unsupported: shots are below 1.

    >>> from vlbench.core.small_problem import small_lesson
    >>> lesson = small_lesson([[1, 0], [0, 1]], vectors=[[1, 0], [0, 1]])
    >>> mieb_probe(shots=1).fit(lesson).score(np.eye(2, dtype=np.float32)).argmax(axis=1)
    array([0, 1])
    """
    stated = {"shots": shots}  # also where they are the default: few images are not all
    return probe("mieb-probe", partial(learn, shots), shots, seeded=True, settings=stated)


def learn(shots: int, lesson: Lesson) -> Head:
    """Fit the logistic regression on the images of an experiment.

    Raises:
        DataError: the weights are not finite.
    """
    support = support_of(lesson, shots, first_shuffled)
    logits, iterations = fitted(support)
    if not logits.finite:
        raise DataError("mieb-probe: weights are no numbers; look at the model's vectors")
    return Head(score=logits.score, learned={**support.learned, "iterations": iterations})


def fitted(support: Support) -> tuple[Logits, int]:
    """The weights after at most 100 iterations, and the number of iterations.

    With one class the weights are 0.
    """
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
    """The positions of the first images of each class, in the order of an experiment (from 0).

    >>> first_shuffled(np.array([1, 0, 1, 1, 0]), 1, 0).tolist()
    [1, 2]
    """
    shuffled = np.random.RandomState(STREAM).permutation(len(labels))
    order = shuffled
    for _ in range(experiment):
        order = order[shuffled]
    chosen: Labels = order[places_in_class(labels[order]) < shots]
    return chosen
