"""The value of a metric image by image: hits, or the contribution of each image."""

import numpy as np

from vlbench.core.items import Contributions, Items, PerImage
from vlbench.core.metric import Metric
from vlbench.core.metric_name import split_metric
from vlbench.core.registry import METRICS


def known_metric(name: str) -> Metric | None:
    """The metric with a name from a result; None if its plug-in is not installed."""
    base, _ = split_metric(name)
    return METRICS.get(base) if base in METRICS else None


def read_metric(metric: str, items: Items) -> PerImage | None:
    """Read a metric from per-item records; None if they do not hold it.

    Without `items` of its own, or without its plug-in, a metric is read from its pseudo-values.
    """
    known = known_metric(metric)
    found = None
    if known is not None and known.items is not None:
        found = known.items(items, split_metric(metric)[1])
    if found is None and items.influence is not None:
        values = items.influence.astype(np.float64)
        return Contributions("over images", values, np.ones(values.size), biased=True)
    return found
