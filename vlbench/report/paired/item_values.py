"""The value of a metric image by image: hits, or what each image adds."""

import numpy as np

from vlbench.core.items import Contributions, Items, PerImage
from vlbench.core.metric import Metric
from vlbench.core.metric_name import split_metric
from vlbench.core.registry import METRICS


def known_metric(name: str) -> Metric | None:
    """The metric of a name in a result; None where its plug-in is not installed."""
    base, _ = split_metric(name)
    return METRICS.get(base) if base in METRICS else None


def read_metric(metric: str, items: Items) -> PerImage | None:
    """Read a metric from per-item records; None where they do not hold it.

    A metric without a reading of its own, or whose plug-in is not installed, is read by its pseudo-values.
    """
    known = known_metric(metric)
    found = None
    if known is not None and known.items is not None:
        found = known.items(items, split_metric(metric)[1])
    if found is None and items.influence is not None:
        values = items.influence.astype(np.float64)
        return Contributions("over images", values, np.ones(values.size), biased=True)
    return found
