"""Effective robustness: a model's accuracy on a variant of a data set, beyond the expected one."""

from dataclasses import dataclass
from math import exp, log

METRIC = "acc1"


@dataclass(frozen=True, slots=True)
class RobustnessFit:
    """A line through published accuracies of reference models, on logit axes.

    logit(accuracy on `task`) = slope * logit(accuracy on `reference`) + intercept. `models` counts the
    reference models, `source` tells who published their accuracies, and `r_squared` is the fraction of the
    variance on logit axes that the line explains.
    Source: Taori et al. 2020 (arXiv 2007.00644), section 2, with the axes of its figure 1.
    """

    task: str
    reference: str
    slope: float
    intercept: float
    r_squared: float
    models: int
    source: str

    def expected(self, accuracy: float) -> float | None:
        """The accuracy on the task that an accuracy on the reference predicts.

        None for 0 and 1, which have no logit.

        >>> line = RobustnessFit("b", "a", 1.0, -1.0, 1.0, 2, "")
        >>> round(line.expected(0.5), 4), line.expected(1.0)
        (0.2689, None)
        """
        if not 0 < accuracy < 1:
            return None
        return 1 / (1 + exp(-self.slope * log(accuracy / (1 - accuracy)) - self.intercept))

    @property
    def named(self) -> str:
        """The fit in words, for reports."""
        return (
            f"logit({self.task}) = {self.slope:.4f} logit({self.reference}) {self.intercept:+.4f}, "
            f"{self.models} models of {self.source}"
        )
