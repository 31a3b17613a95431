"""Which way a metric is better: most are fractions that should be high, a few should be low."""

from vlbench.core.metric_name import split_metric

LOWER_IS_BETTER = ("median_rank", "mean_rank", "ece", "brier", "nll", "error")
"""Last words of the names of metrics that are better when they are lower; plug-ins' metrics too."""


def lower_is_better(metric: str) -> bool:
    """Whether a lower value of a metric is the better one, by the last words of its name.

    >>> lower_is_better("image_retrieval_median_rank"), lower_is_better("nll"), lower_is_better("acc1@5")
    (True, True, False)
    """
    name = split_metric(metric)[0]
    return any(name == words or name.endswith(f"_{words}") for words in LOWER_IS_BETTER)
