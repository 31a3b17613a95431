"""The registries: plug-ins by name, found through entry points. Built-ins are registered the same way."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from vlbench.core.errors import PluginError, UnknownName
from vlbench.core.metric import Metric
from vlbench.core.scoring import Scoring

if TYPE_CHECKING:
    from vlbench.core.contracts import Adapter, SourceFactory
    from vlbench.core.method import Method
    from vlbench.core.task import TaskKind


T = TypeVar("T")


@dataclass(eq=False)
class Registry(Generic[T]):
    """The plug-ins of one entry-point group. Listing the names imports none of them.

    Each plug-in is a value of the type `of`, else a function. `form` is part of the error for a plug-in of
    another form: it tells the author what is expected.

    >>> "acc1" in METRICS.names(), METRICS.get("acc1").lower_is_better
    (True, False)
    """

    group: str
    what: str
    form: str
    of: type | None = None
    _points: dict[str, EntryPoint] | None = None
    _values: dict[str, T] = field(default_factory=dict)

    def register(self, name: str) -> Callable[[T], T]:
        """Register a plug-in in this process: `@METRICS.register("my_metric")`.

        Raises:
            PluginError: the name is taken.
        """

        def enter(value: T) -> T:
            if name in self._values or name in self._entry_points():
                raise PluginError(f"{self.what} {name!r} is registered twice; rename one of them")
            self._values[name] = value
            return value

        return enter

    def unregister(self, name: str) -> None:
        """Remove a plug-in that was registered in this process. Entry points stay."""
        if name not in self._entry_points():
            self._values.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """All names, sorted; imports nothing."""
        return tuple(sorted(self._entry_points().keys() | self._values.keys()))

    def distribution(self, name: str) -> str:
        """The distribution that a name comes from; empty if it was registered in this process."""
        point = self._entry_points().get(name)
        return point.dist.name if point is not None and point.dist is not None else ""

    def __contains__(self, name: object) -> bool:
        return name in self._values or name in self._entry_points()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> T:
        """The plug-in with this name; it is imported now.

        Raises:
            UnknownName: no plug-in has this name; the message lists close matches.
            PluginError: its package fails to import, or it has another form; the message names the
                distribution.
        """
        if name not in self._values:
            point = self._entry_points().get(name)
            if point is None:
                raise UnknownName(
                    self.what,
                    name,
                    self.names(),
                    advice=f"known: {', '.join(self.names())} (entry points of {self.group!r})",
                )
            try:
                self._values[name] = cast(T, point.load())
            except (ImportError, AttributeError, SyntaxError) as error:
                raise PluginError(
                    f"{self.what} {name!r} of distribution {self.distribution(name) or '?'} "
                    f"({point.value}) does not import: {error}; repair or uninstall it"
                ) from error
        found = self._values[name]
        if not (callable(found) if self.of is None else isinstance(found, self.of)):
            raise PluginError(
                f"{self.what} {name!r} of distribution {self.distribution(name) or '?'} is of type "
                f"{type(found).__name__}, and has to be {self.form}"
            )
        return found

    def _entry_points(self) -> dict[str, EntryPoint]:
        if self._points is None:
            points: dict[str, EntryPoint] = {}
            for point in _installed(tuple(sys.path)).select(group=self.group):
                other = points.setdefault(point.name, point)
                if other.value != point.value:
                    owners = sorted((p.dist.name if p.dist else "?", p.value) for p in (other, point))
                    (first, its), (second, other_value) = owners
                    raise PluginError(
                        f"{self.what} {point.name!r} is registered twice, by {first} ({its}) "
                        f"and {second} ({other_value}); uninstall one of them"
                    )
            self._points = points
        return self._points


@cache
def _installed(_: tuple[str, ...]) -> Any:  # another class from Python 3.12 on
    """The entry points of all packages on a path; each look goes through the files of all of them."""
    return entry_points()


ADAPTERS: "Registry[Adapter]" = Registry(
    "vlbench.adapters", "adapter", "a function that returns a Checkpoint"
)
TASK_KINDS: "Registry[TaskKind]" = Registry(
    "vlbench.task_kinds", "task kind", "a function of a TaskRequest that returns a Task"
)
SOURCES: "Registry[SourceFactory]" = Registry(
    "vlbench.sources", "source", "a function of a Place that returns a Dataset"
)
METRICS: Registry[Metric] = Registry(
    "vlbench.metrics",
    "metric",
    "a Metric, which states what it reads and which way is better; a function, as in version 0.1, becomes "
    'one under @metric(reads={"row_ranks"}, lower_is_better=False) of vlbench.core.metric, and takes '
    'prediction["row_ranks"] for prediction.row_ranks',
    of=Metric,
)
METHODS: "Registry[Callable[..., Method]]" = Registry(
    "vlbench.methods", "method", "a function that returns a Method of vlbench.core.method"
)
SCORINGS: Registry[Scoring] = Registry(
    "vlbench.scorings", "scoring", "a Scoring of vlbench.core.scoring", of=Scoring
)
