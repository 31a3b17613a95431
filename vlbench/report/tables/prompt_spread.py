"""How much a score depends on the prompt: one task with each of its templates alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev

from vlbench.core.result import Result
from vlbench.core.visible import visible
from vlbench.report.table import Table, decimals, number


@dataclass(frozen=True, slots=True)
class TemplateScore:
    """The score of a template alone, with its 95 % interval; None if it could not be measured."""

    template: str
    value: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True, slots=True)
class PromptSpread:
    """Scores of the primary metric by template, best first; `whole` is the score with all templates.

    `mean` and `deviation` (n - 1) are over the templates.
    """

    model: str
    task: str
    metric: str
    whole: TemplateScore
    scores: tuple[TemplateScore, ...]
    mean: float | None
    deviation: float | None

    @classmethod
    def of(cls, whole: Result, single: Sequence[tuple[str, Result]]) -> "PromptSpread":
        """The spread over a task's templates."""
        scores = [_score(template, result) for template, result in single]
        known = [each.value for each in scores if each.value is not None]
        upwards = -1 if whole.lower_is_better else 1
        ordered = sorted(scores, key=lambda each: (each.value is None, -upwards * (each.value or 0)))
        return cls(
            model=whole.model,
            task=whole.task,
            metric=whole.primary,
            whole=_score("", whole),
            scores=tuple(ordered),
            mean=mean(known) if known else None,
            deviation=stdev(known) if len(known) > 1 else None,
        )

    def as_text(self, width: int | None = None) -> str:
        """A table with the best template first, and a summary line. `width` is the terminal's."""
        rows = []
        for each in (self.whole, *self.scores):
            name = each.template or f"all {len(self.scores)} together"
            ends = "-" if each.ci_low is None else f"[{decimals(each.ci_low)}, {decimals(each.ci_high)}]"
            rows.append([name, decimals(each.value), ends])
        table = Table(["template", self.metric, "95 % interval"], rows).text(width=width)
        best = self.scores[0]
        worst = next((each for each in reversed(self.scores) if each.value is not None), self.scores[-1])
        return (
            f"{visible(f'{self.model} on {self.task}')}\n{table}\n"
            f"{len(self.scores)} templates: mean {decimals(self.mean)} ± {decimals(self.deviation)}, best "
            f"{decimals(best.value)} ({best.template!r}), worst {decimals(worst.value)} ({worst.template!r})"
        )

    def as_csv(self) -> str:
        """One row per template; the first row, without a template, is all of them together."""
        rows = [
            [each.template, number(each.value), number(each.ci_low), number(each.ci_high)]
            for each in (self.whole, *self.scores)
        ]
        return Table(["template", self.metric, "ci_low", "ci_high"], rows).csv()

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)


def _score(template: str, result: Result) -> TemplateScore:
    metric = result.metric(result.primary)
    return TemplateScore(template, metric.value, metric.ci_low, metric.ci_high)
