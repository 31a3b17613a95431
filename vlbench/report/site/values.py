"""What the pages of a site show, as values. No HTML is made here, and no files are read."""

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
    """What a card tells people: a title, and lines with a label and a text."""

    title: str = ""
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """What comes from outside the results: cards, published scores, paired tests, saved predictions.

    `published` has scores of models without a result here, by task; `beside` those of models with one.
    `paired` has tests made in advance, if there are few models. `additions` is what the leaderboard's CSVs
    show besides results.
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
    """The value of a metric with its 95 % interval, as in a result; `note` is a further remark."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of an image for a row: GFLOPs by its card, measured images/s, and on which device."""

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
    """A class or tag: the number of its items, and the value of each model shown."""

    name: str
    n: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """A metric by class or tag, for the best models, hardest first."""

    metric: str
    models: tuple[str, ...]
    lines: tuple[PartLine, ...]


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task: its results under one protocol, best first, and what is shown with them.

    `ranks` are 1 + the number of models that are significantly better. `robustness` has lines of
    `effective_robustness.csv`; `left_out` tells which results are not shown and why.
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
        """Any result, to read the shared protocol from."""
        return self.results[0]


@dataclass(frozen=True, slots=True)
class Standing:
    """The primary score of a row on a task among all rows: its rank if it has one, the best and the
    median."""

    score: Score
    rank: int | None
    of: int
    best: float | None
    median: float | None


@dataclass(frozen=True, slots=True)
class Site:
    """All that a site shows; `csvs` are the tables of the results folder by file name.

    `header` is that of `leaderboard.csv`; `summaries` and `facts` are the rows' cells that belong to no
    task and hold something. `averaged` are the tasks that the mean is over. `curves` are the few-shot curves
    of tasks, of their primary metric, `training` those of the checkpoints of training runs.
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
    training: Mapping[str, tuple[Curve, ...]]
