"""Fit what accuracy on ImageNet says of accuracy on its variants, over published zero-shot models.

Usage: python scripts/fit_robustness.py [--check]

The rows are those of model_cards/published.csv that follow our cards' protocols, all of one source: the one
with the most models. Taori et al. fit models that were trained on ImageNet; these are zero-shot models, so
that a model's effective robustness is what it has beyond them.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from vlbench.cards.published import published_of
from vlbench.cards.robustness import robustness_path
from vlbench.core.published import PublishedScore
from vlbench.core.robustness import METRIC, RobustnessFit

REFERENCE = "imagenet"
VARIANTS = ("imagenet-a", "imagenet-r", "imagenet-sketch", "imagenet-v2", "objectnet")
ABOUT = (
    "Made by scripts/fit_robustness.py from model_cards/published.csv: least squares on logit axes of acc1 "
    "on a variant against acc1 on all 1,000 classes of ImageNet, over published zero-shot models (Taori et "
    "al. 2020, arXiv 2007.00644, fit models trained on ImageNet)."
)


def main(arguments: list[str]) -> int:
    """Write the fits, or with --check exit with 1 where they are stale."""
    text = fits_text(published_of())
    path = robustness_path()
    if "--check" in arguments:
        fresh = path.is_file() and path.read_text(encoding="utf-8") == text
        print("fresh" if fresh else f"{path} is stale; run python scripts/fit_robustness.py")
        return 0 if fresh else 1
    path.write_text(text, encoding="utf-8")
    print(f"written: {path}")
    return 0


def fits_text(scores: Iterable[PublishedScore]) -> str:
    """The text of the file of fits."""
    fits = fit_variants(scores)
    return json.dumps({"about": ABOUT, "fits": [asdict(fit) for fit in fits]}, indent=1) + "\n"


def fit_variants(scores: Iterable[PublishedScore]) -> tuple[RobustnessFit, ...]:
    """A fit for each variant, over the models that one source scores on both."""
    by_source: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for score in scores:
        if score.metric == METRIC and not score.differs and 0 < score.value < 1:
            by_source[score.source][score.task][score.model] = score.value
    return tuple(_fit(variant, by_source) for variant in VARIANTS)


def _fit(variant: str, by_source: Mapping[str, Mapping[str, Mapping[str, float]]]) -> RobustnessFit:
    both = {
        source: sorted(tasks.get(REFERENCE, {}).keys() & tasks.get(variant, {}).keys())
        for source, tasks in by_source.items()
    }
    source = max(both, key=lambda name: (len(both[name]), name))
    tasks, models = by_source[source], both[source]
    x, y = (_logit([tasks[task][model] for model in models]) for task in (REFERENCE, variant))
    slope, intercept = np.polyfit(x, y, 1)
    rest = y - slope * x - intercept
    explained = 1 - float(rest @ rest) / float(np.sum((y - y.mean()) ** 2))
    return RobustnessFit(
        task=variant,
        reference=REFERENCE,
        slope=round(float(slope), 6),
        intercept=round(float(intercept), 6),
        r_squared=round(explained, 4),
        models=len(models),
        source=source,
    )


def _logit(shares: list[float]) -> NDArray[np.float64]:
    array = np.array(shares)
    logits: NDArray[np.float64] = np.log(array / (1 - array))
    return logits


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
