"""What the pages of a site show, as values: no HTML here, and no reading of files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vlbench.core.published import PublishedScore
from vlbench.core.result import Result
from vlbench.report.exchange.verify import PublishedComparison
from vlbench.report.paired.comparison import Comparison
from vlbench.report.site.mistakes import Mistakes
from vlbench.report.tables.averages import Additions
from vlbench.report.tables.few_shot import Curve


@dataclass(frozen=True, slots=True)
class CardNotes:
    """What a card says to people: a title, and lines of a label and its text."""

    title: str = ""
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """What others than the results know: cards, published scores, paired tests, saved predictions.

    `published` are scores of models without a result here, by task; `beside` those of models with one.
    `paired` are tests made beforehand, where there are few models. `additions` are what the leaderboard's
    CSVs show beside results.
    """

    models: Mapping[str, CardNotes] = field(default_factory=dict)
    tasks: Mapping[str, CardNotes] = field(default_factory=dict)
    beside: tuple[PublishedComparison, ...] = ()
    published: Mapping[str, tuple[PublishedScore, ...]] = field(default_factory=dict)
    paired: tuple[Comparison, ...] = ()
    mistakes: tuple[Mistakes, ...] = ()
    additions: Additions = field(default_factory=Additions)


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value with its 95 % interval, fractions as in a result; `note` says what else to know."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an image costs a row: GFLOPs by its card, images/s as measured and on what device."""

    gflops: float | None = None
    images_per_second: float | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A row of the leaderboard: a model, or the seeds of one.

    `cells` are those of `leaderboard.csv`, as text, and the row's images/s. `results` are the row's own,
    several where it has seeds.
    """

    name: str
    cells: Mapping[str, str]
    scores: Mapping[str, Score]
    zero_shot: Mapping[str, str]
    results: Mapping[str, tuple[Result, ...]]
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class PartLine:
    """A class or tag: how many items it has, and the value of each model shown."""

    name: str
    n: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """A metric by class or tag, of the best models, the hardest part first."""

    metric: str
    models: tuple[str, ...]
    lines: tuple[PartLine, ...]


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task: its results of one protocol, the best first, and what stands beside them.

    `ranks` are 1 + how many models are significantly better. `robustness` are lines of
    `effective_robustness.csv`, `left_out` says which results are not shown and why.
    """

    name: str
    metrics: tuple[str, ...]
    results: tuple[Result, ...]
    ranks: Mapping[str, int]
    robustness: tuple[Mapping[str, str], ...]
    parts: Parts | None
    beside: tuple[PublishedComparison, ...]
    published: tuple[PublishedScore, ...]
    mistakes: tuple[Mistakes, ...]
    notes: CardNotes
    left_out: tuple[str, ...] = ()

    @property
    def one(self) -> Result:
        """A result to read the protocol from: they share it."""
        return self.results[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """A row's primary score on a task among all rows: its rank if it has one, the best, the median."""

    score: Score
    rank: int | None
    of: int
    best: float | None
    median: float | None


@dataclass(frozen=True, slots=True)
class Site:
    """All that a site shows; `csvs` are tables of the results folder by file name.

    `header` is that of `leaderboard.csv`; `summaries` and `facts` are the rows' cells that belong to no
    task and hold something. `averaged` are the tasks that the mean is over. `curves` are the few-shot curves
    of tasks, of their primary metric.
    """

    rows: tuple[SiteRow, ...]
    tasks: tuple[TaskView, ...]
    header: tuple[str, ...]
    summaries: tuple[str, ...]
    facts: tuple[str, ...]
    left_out: tuple[str, ...]
    averaged: tuple[str, ...]
    csvs: Mapping[str, str]
    joined: Joined
    curves: Mapping[str, tuple[Curve, ...]]
