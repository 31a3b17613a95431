"""The pytest plug-in: the scores of a baseline as test items, and fixtures for a project's own tests.

Every pytest in an environment loads it, so nothing is imported or done before an option or a fixture asks for
it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from vlbench.core.errors import VlbenchError
from vlbench.core.visible import visible
from vlbench.pytest_plugin.settings import Settings, settings_of

if TYPE_CHECKING:
    from vlbench.core.result import Result
    from vlbench.pytest_plugin.scores import Scores

VALUES = {
    "baseline": ("FILE", "collect every model and task of a baseline that `vlbench check --update` wrote"),
    "results": ("DIR", "read results from this folder; default: the baseline's, else results/ there or here"),
    "tolerance": ("[METRIC=]N[,...]", "what a metric may get worse by, as of `vlbench check`"),
    "cache": ("DIR", "keep features there when models are run; default: nowhere beyond the session"),
    "device": ("NAME", "auto, cpu, cuda, cuda:1 ..."),
}
LISTS = {
    "data_root": ("DIR|TASK=DIR", "where data lie"),
    "include_path": ("DIR", "a folder with more cards"),
}
FLAGS = {
    "run": "run the models, rather than read their results",
    "strict": "fail what the baseline does not list",
}
MARKS = {
    "vlbench": "a model on a task of the baseline",
    "gpu": "needs a CUDA device",
    "network": "needs the hub",
    "slow": "over ten seconds",
}


_SETTINGS = pytest.StashKey[Settings]()
_SCORES = pytest.StashKey["Scores"]()


def _scores(config: pytest.Config) -> "Scores":
    """The scores of a session. Results, cards and engine are imported here, when a test asks for a score."""
    from vlbench.pytest_plugin.scores import Scores

    return config.stash.setdefault(_SCORES, Scores(config, config.stash[_SETTINGS]))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options. Each is also an ini setting, with underscores in its name."""
    group = parser.getgroup("vlbench", "scores of vision-language models")
    for name, (metavar, text) in VALUES.items():
        group.addoption(_flag(name), dest=f"vlbench_{name}", metavar=metavar, help=text)
        parser.addini(f"vlbench_{name}", text, default="")
    for name, (metavar, text) in LISTS.items():
        group.addoption(_flag(name), dest=f"vlbench_{name}", metavar=metavar, action="append", help=text)
        parser.addini(f"vlbench_{name}", text, type="linelist", default=[])
    for name, text in FLAGS.items():
        group.addoption(_flag(name), dest=f"vlbench_{name}", action="store_true", default=None, help=text)
        parser.addini(f"vlbench_{name}", text, type="bool", default=False)


def _flag(name: str) -> str:
    return f"--vlbench-{name.replace('_', '-')}"


def pytest_configure(config: pytest.Config) -> None:
    """Note what was asked for. A baseline from the command line is collected with the other tests."""
    known = {line.partition(":")[0].partition("(")[0] for line in config.getini("markers")}
    for name, meaning in MARKS.items():
        if name not in known:
            config.addinivalue_line("markers", f"{name}: {meaning}")
    settings = config.stash[_SETTINGS] = settings_of(config)
    named = settings.baseline if config.option.vlbench_baseline else None
    here = config.invocation_params.dir
    if named and all((here / arg.partition("::")[0]).resolve() != named for arg in config.args):
        config.args.append(str(named))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let xdist's workers share the features of a session."""
    settings = node.config.stash[_SETTINGS]
    if settings.baseline and not settings.results:
        node.workerinput["vlbench_cache"] = str(_scores(node.config).cache())


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "BaselineFile | None":
    """Collect a baseline that is named by the option, by testpaths or as an argument."""
    if file_path != parent.config.stash[_SETTINGS].baseline:
        return None
    return BaselineFile.from_parent(parent, path=file_path)


class BaselineFile(pytest.File):
    """A baseline: its models."""

    def collect(self) -> "Iterator[ModelRows]":
        """The models in the baseline's order."""
        scores = _scores(self.config)
        try:
            pairs = scores.pairs(self.path)
            scores.tolerances(self.path, None)
        except VlbenchError as error:
            raise self.CollectError(visible(f"vlbench: {error}")) from error
        for model in dict.fromkeys(model for model, _ in pairs):
            yield ModelRows.from_parent(self, name=visible(model), model=model)


class ModelRows(pytest.Collector):
    """A model of a baseline: its tasks."""

    def __init__(self, *, model: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.model = model

    def collect(self) -> "Iterator[ScoreItem]":
        """The tasks in the baseline's order."""
        for model, task in _scores(self.config).pairs(self.path):
            if model == self.model:
                yield ScoreItem.from_parent(self, name=visible(task), model=model, task=task)


class ScoreItem(pytest.Item):
    """A model on a task, against the baseline."""

    def __init__(self, *, model: str, task: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.model, self.task = model, task
        self.add_marker("vlbench")

    def runtest(self) -> None:
        """Read or make the result and compare it. Changes that do not fail are a section of the report."""
        scores = _scores(self.config)
        moved = scores.check(scores.result(self.model, self.task), baseline=self.path)
        if moved:
            self.add_report_section("call", "vlbench", moved)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The table of failures, or the line that tells why there is no result."""
        from vlbench.pytest_plugin.scores import Regression

        if isinstance(excinfo.value, Regression):
            return str(excinfo.value)
        if isinstance(excinfo.value, VlbenchError):
            return visible(f"vlbench: {excinfo.value}")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The location, and the name in the heading of a failure."""
        return self.path, None, visible(f"vlbench::{self.model}::{self.task}")


class AssertNoRegression(Protocol):
    """The type of the fixture `assert_no_regression`."""

    def __call__(
        self,
        result: "Result | str",
        task: str = "",
        *,
        baseline: Path | str | None = None,
        tolerance: float | str | None = None,
    ) -> None:
        """Compare a result, or a model on a task, with a baseline."""


@pytest.fixture(scope="session")
def vlbench_result(pytestconfig: pytest.Config) -> "Callable[[str, str], Result]":
    """A function for the result of a model on a task, which is read or made once per session."""
    return _scores(pytestconfig).result


@pytest.fixture(scope="session")
def assert_no_regression(pytestconfig: pytest.Config) -> AssertNoRegression:
    """A function that fails with a table if a result, or a model on a task, is worse than the baseline."""
    scores = _scores(pytestconfig)

    def check(
        result: "Result | str",
        task: str = "",
        *,
        baseline: Path | str | None = None,
        tolerance: float | str | None = None,
    ) -> None:
        """Fail where `result`, a Result or a model's name with a task, is worse than the baseline allows.

        `baseline` and `tolerance` replace those of the command line.
        """
        __tracebackhide__ = True
        found = scores.result(result, task) if isinstance(result, str) else result
        scores.check(
            found,
            baseline=None if baseline is None else Path(baseline),
            tolerance=None if tolerance is None else str(tolerance),
        )

    return check
