"""Scores of a matching, item by item: Winoground's three, and those of data sets that count otherwise.

An image is right where all of its item's texts that are true of it score above those that are not, a text
where its right images score above the wrong ones. Ties lose, and so does NaN; what some authors count
otherwise has a name that says so. Nothing is measured of items that have nothing to decide, such as the image
score of one image. Items that share an image are alike, which their intervals heed.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.items import asked_by_item
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import metric
from vlbench.core.problem import Problem
from vlbench.metrics.contests import AskedItems, Contests
from vlbench.metrics.outcomes import (
    BOTH,
    Outcome,
    labelled,
    macro,
    outcome,
    read_right,
    share,
    share_of_sets,
    something_to_decide,
)

_TEXTS = partial(something_to_decide, ("texts",))
_IMAGES = partial(something_to_decide, ("images",))
_BOTH = partial(something_to_decide, BOTH)
_ITEMS = partial(something_to_decide, ())


@metric(reads={"pair_scores"}, suits=_TEXTS, items=partial(read_right, ("texts",)))
def text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items all of whose images score their right texts above the wrong ones; Wilson interval."""
    return share(outcome(prediction, problem, "texts"), problem)


@metric(reads={"pair_scores"}, suits=_IMAGES, items=partial(read_right, ("images",)))
def image_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items all of whose texts score their right images above the wrong ones; Wilson interval."""
    return share(outcome(prediction, problem, "images"), problem)


@metric(reads={"pair_scores"}, suits=_BOTH, items=partial(read_right, BOTH))
def group_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items that are right both ways, of those that ask both ways; Wilson interval."""
    texts, images = (outcome(prediction, problem, over) for over in BOTH)
    both = replace(texts, counted=texts.counted & images.counted, right=texts.right & images.right)
    return share(both, problem)


@metric(reads={"pair_scores"}, suits=_TEXTS, items=partial(read_right, ("texts",), ties="first"))
def text_score_first_wins(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """As text_score by argmax: of texts that tie for the best the first is taken (ARO's orders, What'sUp)."""
    return share(outcome(prediction, problem, "texts", ties="first"), problem)


@metric(reads={"pair_scores"}, suits=_IMAGES, items=partial(read_right, ("images",), ties="last"))
def image_score_second_wins(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """As image_score by argmax: of images that tie for the best the last is taken, of two the second (MMVP).

    Images stand in the order of the data set.
    """
    return share(outcome(prediction, problem, "images", ties="last"), problem)


@metric(reads={"pair_scores"}, at="k", needs_at=True, suits=_TEXTS)
def text_score_of_image(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """As text_score of one image of each item: `@1` is the first in the order of the data set (BiVLC)."""
    return share(outcome(prediction, problem, "texts", place=int(options.number) - 1), problem)


@metric(reads={"pair_scores"}, at="k", needs_at=True, suits=_IMAGES)
def image_score_of_text(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """As image_score of one text of each item: `@1` is the first (BiVLC)."""
    return share(outcome(prediction, problem, "images", place=int(options.number) - 1), problem)


@metric(reads={"pair_scores"}, at="k", suits=partial(labelled, "class", "texts"))
def macro_text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of text_score over the classes that items name: `@25` drops those of fewer than 25 items.

    `n` counts the classes, `left_out` those that are dropped; the parts are the classes. Items that name no
    class count nowhere. The interval is Wilson's by the variance within classes, where rare classes borrow
    from others.
    """
    return macro(outcome(prediction, problem, "texts"), problem, options)


@metric(reads={"pair_scores"}, at="k", suits=partial(labelled, "class", "images"))
def macro_image_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of image_score over the classes that items name, as macro_text_score."""
    return macro(outcome(prediction, problem, "images"), problem, options)


@metric(reads={"pair_scores"}, suits=partial(labelled, "set", "texts"))
def set_text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of the sets that items name all of whose items are right by text_score; Wilson interval."""
    return share_of_sets("set", outcome(prediction, problem, "texts"), problem)


@metric(reads={"pair_scores"}, suits=partial(labelled, "pair", "texts"))
def pair_text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of the pairs that items name all of whose items are right by text_score; Wilson interval."""
    return share_of_sets("pair", outcome(prediction, problem, "texts"), problem)


@metric(reads={"pair_scores"}, suits=partial(labelled, "set", "texts"))
def set_text_score_first_wins(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """As set_text_score, of items that are right by text_score_first_wins (What'sUp)."""
    return share_of_sets("set", outcome(prediction, problem, "texts", ties="first"), problem)


@metric(reads={"pair_scores"}, suits=partial(labelled, "pair", "texts"))
def pair_text_score_first_wins(
    prediction: Prediction, problem: Problem, options: MetricOptions
) -> Measurement:
    """As pair_text_score, of items that are right by text_score_first_wins (What'sUp)."""
    return share_of_sets("pair", outcome(prediction, problem, "texts", ties="first"), problem)


@metric(reads={"pair_scores"}, lower_is_better=True, suits=_ITEMS)
def undecided(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items in which a tie decides: its lowest right and highest wrong score are equal.

    So it is of the texts of an image, or of the images of a text.
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
    """Fraction of items of which a right and a wrong text, or image, have equal features.

    No score of such a model can tell them apart: it does not read the order of words, say, or cuts them.
    """
    items = AskedItems.of(asked_by_item(problem))
    found = np.zeros(len(items.images), dtype=np.bool_)
    for over, alike in zip(BOTH, ("queries_alike", "candidates_alike"), strict=True):
        contests = Contests.between(over, items.pairs)
        found[contests.items[contests.share_features(prediction[alike])]] = True
    return share(Outcome(items, np.ones_like(found), found), problem)


@metric(reads={"queries_cut"}, lower_is_better=True, suits=_ITEMS)
def truncated(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Fraction of items that have a text whose end the model leaves out; 0 of a model that cannot say."""
    items = AskedItems.of(asked_by_item(problem))
    found = np.zeros(len(items.images), dtype=np.bool_)
    found[items.pairs[prediction["queries_cut"][items.pairs[:, 1]], 2]] = True
    return share(Outcome(items, np.ones_like(found), found), problem)
