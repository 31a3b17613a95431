"""Task: a question put together from a problem, a scoring and metrics; and the request it is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points

from vlbench.core.contracts import Dataset, Text
from vlbench.core.errors import PluginError
from vlbench.core.metric import Metric
from vlbench.core.problem import Problem
from vlbench.core.scoring import Scoring


@dataclass(frozen=True, slots=True)
class ProtocolStatement:
    """A protocol: its name, and the statement that its digest is made of."""

    name: str
    digest: str
    statement: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Expectation:
    """The counts that a card states about its data; None where it states none.

    >>> Expectation(images=50_000, texts=1000).images
    50000
    """

    images: int | None = None
    texts: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A question put together from parts. A task kind returns it, and the engine evaluates it.

    `metrics` maps the name as asked for (`recall@5`) to the metric. `partial` tells why this is not the whole
    task; empty if it is. `thresholds` replace the model's own: one for each query, in the units that people
    state. `learn_from` holds the same question about other splits, from which methods learn. `not_found`
    tells for a split without data where they were looked for. `called` is the word for its queries (classes).
    `remarks` is what a user should know about how its texts were read.

    Raises:
        PluginError: the scoring or a metric is a word or a function, as in version 0.1.

    >>> import vlbench
    >>> task = vlbench.load_task("digits")
    >>> task.kind, task.primary, task.scoring.name, task.called
    ('classification', 'acc1', 'row_ranks', 'classes')
    """

    name: str
    kind: str
    protocol: ProtocolStatement
    problem: Problem
    scoring: Scoring
    metrics: Mapping[str, Metric]
    primary: str
    needs: frozenset[str] = frozenset()
    partial: str = ""
    thresholds: tuple[float, ...] | None = None
    learn_from: Mapping[str, Problem] = field(default_factory=dict)
    called: str = "texts"
    remarks: tuple[str, ...] = ()
    not_found: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts: list[tuple[str, object, type]] = [("scoring", self.scoring, Scoring)]
        parts += [(f"metric {name}", each, Metric) for name, each in self.metrics.items()]
        for part, value, of in parts:  # a plug-in may have no type checker
            if not isinstance(value, of):
                points = entry_points(group="vlbench.task_kinds", name=self.kind)
                owner = next((point.dist.name for point in points if point.dist is not None), "?")
                raise PluginError(
                    f"task kind {self.kind!r} of distribution {owner}: "
                    f"its {part} is {value!r}, as in version 0.1, and has to be a {of.__name__}; "
                    f"{of.__name__.upper()}S of vlbench.core.registry has those that are known by name"
                )


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a task kind is given: the data set, the texts of the card (None: those that the data offer), and
    the rest.

    `names` have no prompts yet; each template has one `{}`. `settings` are those of the card. `partial` tells
    why `source` is not all of the data (a limit); empty if it is. `remarks` are handed on to the task.

    >>> TaskRequest("pets", "mine", Dataset("pets", "1", ()), names=(Text("cat"),)).templates is None
    True
    """

    name: str
    protocol: str
    source: Dataset
    names: tuple[Text, ...] | None = None
    templates: tuple[str, ...] | None = None
    metrics: tuple[str, ...] = ()
    primary: str = ""
    expect: Expectation = Expectation()
    allow_subset: bool = False
    partial: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def where(self, index: int) -> str:
        """An image of the data set, named for an error message."""
        return f"image {self.source[index].id} of {self.name}"


TaskKind = Callable[[TaskRequest], Task]
"""What a `vlbench.task_kinds` entry point names."""
