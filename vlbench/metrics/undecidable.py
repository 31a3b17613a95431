"""Items of a matching task that a model cannot decide: by a tie, equal features or texts that it cuts off."""

from functools import partial

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.items import asked_by_item
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.contests import AskedItems, Contests
from vlbench.metrics.outcomes import BOTH, Outcome, share, something_to_decide

_ITEMS = partial(something_to_decide, ())


@metric(reads={"pair_scores"}, lower_is_better=True, suits=_ITEMS)
def undecided(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items that a tie decides: the lowest right and the highest wrong score are equal.

    The scores compared are those of the texts for one image, or of the images for one text.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.5, 0.5])
    >>> undecided(prediction, problem, MetricOptions()).value
    1.0
    """
    items = AskedItems.of(asked_by_item(problem))
    found = np.zeros(len(items.images), dtype=np.bool_)
    for over in BOTH:
        contests = Contests.between(over, items.pairs)
        lowest, highest = contests.bounds(prediction["pair_scores"])
        found[contests.items[contests.open & (lowest == highest)]] = True
    return share(Outcome(items, np.ones_like(found), found), problem)


@metric(reads={"queries_alike", "candidates_alike"}, lower_is_better=True, suits=_ITEMS)
def same_features(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items in which a right and a wrong text, or image, have equal features.

    No score can tell these apart: the model does not read the order of words, for example, or truncates them.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0]], items="aa")
    >>> prediction = small_prediction(candidates_alike=[0], queries_alike=[0, 0])
    >>> same_features(prediction, problem, MetricOptions()).value
    1.0
    """
    items = AskedItems.of(asked_by_item(problem))
    found = np.zeros(len(items.images), dtype=np.bool_)
    for over, alike in zip(BOTH, ("queries_alike", "candidates_alike"), strict=True):
        contests = Contests.between(over, items.pairs)
        found[contests.items[contests.share_features(prediction[alike])]] = True
    return share(Outcome(items, np.ones_like(found), found), problem)


@metric(reads={"queries_cut"}, lower_is_better=True, suits=_ITEMS)
def truncated(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items with a text that the model truncates; 0 for a model that cannot tell.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0]], items="aa")
    >>> truncated(small_prediction(queries_cut=[False, True]), problem, MetricOptions()).value
    1.0
    """
    items = AskedItems.of(asked_by_item(problem))
    found = np.zeros(len(items.images), dtype=np.bool_)
    found[items.pairs[prediction["queries_cut"][items.pairs[:, 1]], 2]] = True
    return share(Outcome(items, np.ones_like(found), found), problem)
