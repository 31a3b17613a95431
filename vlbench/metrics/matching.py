"""Metrics of a matching task, item by item: Winoground's three, and those of data sets with other rules.

An image is right where all texts of its item that are true of it score above those that are not; a text is
right where its right images score above the wrong ones. Ties and NaN lose; a metric with another rule says so
in its name. Items with nothing to decide are left out, such as items with one image in the image score. Items
that share an image are correlated, which the intervals take into account.
"""

from dataclasses import replace
from functools import partial

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.outcomes import (
    BOTH,
    labelled,
    macro,
    outcome,
    read_right,
    share,
    share_of_sets,
    something_to_decide,
)
from vlbench.metrics.random_contests import both_by_chance, macro_by_chance, sets_by_chance, share_by_chance

_TEXTS = partial(something_to_decide, ("texts",))
_IMAGES = partial(something_to_decide, ("images",))
_BOTH = partial(something_to_decide, BOTH)


@metric(
    reads={"pair_scores"},
    suits=_TEXTS,
    items=partial(read_right, ("texts",)),
    chance=partial(share_by_chance, "texts"),
)
def text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items in which each image scores its right texts above the wrong ones; Wilson interval.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.4, 0.6])
    >>> text_score(prediction, problem, MetricOptions()).value
    1.0
    """
    return share(outcome(prediction, problem, "texts"), problem)


@metric(
    reads={"pair_scores"},
    suits=_IMAGES,
    items=partial(read_right, ("images",)),
    chance=partial(share_by_chance, "images"),
)
def image_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items in which each text scores its right images above the wrong ones; Wilson interval.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.6, 0.5, 0.7, 0.8])
    >>> image_score(prediction, problem, MetricOptions()).value
    0.0
    """
    return share(outcome(prediction, problem, "images"), problem)


@metric(reads={"pair_scores"}, suits=_BOTH, items=partial(read_right, BOTH), chance=both_by_chance)
def group_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items that are right by text_score and image_score; Wilson interval.

    Items without something to decide both ways are left out.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.4, 0.6])
    >>> group_score(prediction, problem, MetricOptions()).value
    1.0
    """
    texts, images = (outcome(prediction, problem, over) for over in BOTH)
    both = replace(texts, counted=texts.counted & images.counted, right=texts.right & images.right)
    return share(both, problem)


@metric(
    reads={"pair_scores"},
    suits=_TEXTS,
    items=partial(read_right, ("texts",), ties="first"),
    chance=partial(share_by_chance, "texts", ties="first"),
)
def text_score_first_wins(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Like text_score, but by argmax: among texts that tie for the best, the first is chosen.

    The authors of ARO's order tasks and of What'sUp count this way.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.5, 0.5])
    >>> text_score_first_wins(prediction, problem, MetricOptions()).value
    1.0
    """
    return share(outcome(prediction, problem, "texts", ties="first"), problem)


@metric(
    reads={"pair_scores"},
    suits=_IMAGES,
    items=partial(read_right, ("images",), ties="last"),
    chance=partial(share_by_chance, "images", ties="last"),
)
def image_score_second_wins(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Like image_score, but by argmax: among images that tie for the best, the last is chosen.

    The authors of MMVP count this way. Images are in the order of the data set.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.9, 0.5, 0.4, 0.5])
    >>> image_score_second_wins(prediction, problem, MetricOptions()).value
    1.0
    """
    return share(outcome(prediction, problem, "images", ties="last"), problem)


@metric(
    reads={"pair_scores"},
    at="k",
    needs_at=True,
    suits=_TEXTS,
    chance=partial(share_by_chance, "texts", placed=True),
)
def text_score_of_image(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Like text_score, for one image of each item: `@1` is the first in the order of the data set (BiVLC).

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.4, 0.6])
    >>> text_score_of_image(prediction, problem, MetricOptions(at=1)).value
    1.0
    """
    return share(outcome(prediction, problem, "texts", place=int(options.number) - 1), problem)


@metric(
    reads={"pair_scores"},
    at="k",
    needs_at=True,
    suits=_IMAGES,
    chance=partial(share_by_chance, "images", placed=True),
)
def image_score_of_text(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Like image_score, for one text of each item: `@1` is the first (BiVLC).

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa")
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.4, 0.6])
    >>> image_score_of_text(prediction, problem, MetricOptions(at=2)).value
    1.0
    """
    return share(outcome(prediction, problem, "images", place=int(options.number) - 1), problem)


@metric(
    reads={"pair_scores"},
    at="k",
    suits=partial(labelled, "class", "texts"),
    chance=partial(macro_by_chance, "texts"),
)
def macro_text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of text_score over the items' classes; `@25` leaves out classes with fewer than 25 items.

    `n` counts the classes, `left_out` those that are left out; the parts are the classes. Items without a
    class do not count. The interval is Wilson's with the variance within classes; rare classes borrow
    variance from others.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0, 0, 0], [0, 0, 1, 0]], items="aabb", labels={"class": "xxyy"})
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.3, 0.6])
    >>> macro_text_score(prediction, problem, MetricOptions()).value
    0.5
    """
    return macro(outcome(prediction, problem, "texts"), problem, options)


@metric(
    reads={"pair_scores"},
    at="k",
    suits=partial(labelled, "class", "images"),
    chance=partial(macro_by_chance, "images"),
)
def macro_image_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of image_score over the items' classes; the rest as for macro_text_score.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0], [0, 1]], items="aa", labels={"class": "xx"})
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.4, 0.6])
    >>> macro_image_score(prediction, problem, MetricOptions()).value
    1.0
    """
    return macro(outcome(prediction, problem, "images"), problem, options)


@metric(reads={"pair_scores"}, suits=partial(labelled, "set", "texts"), chance=partial(sets_by_chance, "set"))
def set_text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of sets whose items are all right by text_score; Wilson interval.

    The label `set` of an item names its set.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0, 0, 0], [0, 0, 1, 0]], items="aabb", labels={"set": "xxxx"})
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.3, 0.6])
    >>> set_text_score(prediction, problem, MetricOptions()).value
    0.0
    """
    return share_of_sets("set", outcome(prediction, problem, "texts"), problem)


@metric(
    reads={"pair_scores"}, suits=partial(labelled, "pair", "texts"), chance=partial(sets_by_chance, "pair")
)
def pair_text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of pairs of items that are both right by text_score; Wilson interval.

    The label `pair` of an item names its pair.

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0, 0, 0], [0, 0, 1, 0]], items="aabb", labels={"pair": "xxxx"})
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.6, 0.3])
    >>> pair_text_score(prediction, problem, MetricOptions()).value
    1.0
    """
    return share_of_sets("pair", outcome(prediction, problem, "texts"), problem)


@metric(
    reads={"pair_scores"},
    suits=partial(labelled, "set", "texts"),
    chance=partial(sets_by_chance, "set", ties="first"),
)
def set_text_score_first_wins(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Like set_text_score, for items that are right by text_score_first_wins (What'sUp).

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0, 0, 0], [0, 0, 1, 0]], items="aabb", labels={"set": "xxxx"})
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.5, 0.5])
    >>> set_text_score_first_wins(prediction, problem, MetricOptions()).value
    1.0
    """
    return share_of_sets("set", outcome(prediction, problem, "texts", ties="first"), problem)


@metric(
    reads={"pair_scores"},
    suits=partial(labelled, "pair", "texts"),
    chance=partial(sets_by_chance, "pair", ties="first"),
)
def pair_text_score_first_wins(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """Like pair_text_score, for items that are right by text_score_first_wins (What'sUp).

    >>> from vlbench.core.small_problem import small_prediction, small_problem
    >>> problem = small_problem([[1, 0, 0, 0], [0, 0, 1, 0]], items="aabb", labels={"pair": "xxxx"})
    >>> prediction = small_prediction(pair_scores=[0.9, 0.2, 0.5, 0.5])
    >>> pair_text_score_first_wins(prediction, problem, MetricOptions()).value
    1.0
    """
    return share_of_sets("pair", outcome(prediction, problem, "texts", ties="first"), problem)
