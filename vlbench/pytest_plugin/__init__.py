"""The pytest plug-in: the scores of a baseline as test items, and fixtures for tests of one's own.

Every pytest of an environment loads it: nothing is imported or done before an option or a fixture asks.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from vlbench.pytest_plugin.scores import Regression, Scores, Settings

if TYPE_CHECKING:
    from vlbench.core.result import Result

VALUES = {
    "baseline": ("FILE", "collect every model and task of a baseline that `vlbench check --update` wrote"),
    "results": ("DIR", "read results from this folder; default: the baseline's"),
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


_SCORES = pytest.StashKey[Scores]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each also an ini setting of the same name with underscores."""
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
    """Note what was asked for; a baseline named on the command line is collected with all else."""
    known = {line.partition(":")[0].partition("(")[0] for line in config.getini("markers")}
    for name, meaning in MARKS.items():
        if name not in known:
            config.addinivalue_line("markers", f"{name}: {meaning}")
    settings = _settings(config)
    config.stash[_SCORES] = Scores(config, settings)
    named = settings.baseline if config.option.vlbench_baseline else None
    here = config.invocation_params.dir
    if named and all((here / arg.partition("::")[0]).resolve() != named for arg in config.args):
        config.args.append(str(named))


def _settings(config: pytest.Config) -> Settings:
    """Options first, the ini's second; paths of options lie below the folder that pytest was called in."""
    ini_folder = config.inipath.parent if config.inipath else config.rootpath

    def asked(name: str) -> tuple[Any, Path]:
        given = getattr(config.option, f"vlbench_{name}")
        in_option = given is not None
        return given if in_option else config.getini(f"vlbench_{name}"), (
            config.invocation_params.dir if in_option else ini_folder
        )

    def path(name: str) -> Path | None:
        text, folder = asked(name)
        return (folder / Path(text).expanduser()).resolve() if text else None

    if config.option.vlbench_run and config.option.vlbench_results:
        raise pytest.UsageError("--vlbench-run makes results and --vlbench-results reads them; give one")
    baseline, results = path("baseline"), path("results")
    includes, folder = asked("include_path")
    options: dict[str, object] = {"include_path": [folder / Path(each).expanduser() for each in includes]}
    if device := asked("device")[0]:
        options["device"] = device
    roots, below = asked("data_root")
    runs = asked("run")[0] and not config.option.vlbench_results
    return Settings(
        baseline=baseline,
        results=None if runs else results or (baseline.parent if baseline else None),
        tolerance=asked("tolerance")[0],
        options=options,
        cache=path("cache"),
        data_root=tuple(_root(text, below) for text in roots),
        strict=asked("strict")[0],
    )


def _root(text: str, folder: Path) -> str:
    """A folder of data, or `TASK=DIR`, whose path lies below a folder."""
    whole = folder / Path(text).expanduser()
    task, mark, own = text.partition("=")
    return f"{task}={folder / Path(own).expanduser()}" if mark and not whole.exists() else str(whole)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the workers of xdist share the features of a session."""
    scores = node.config.stash[_SCORES]
    if scores.settings.baseline and scores.settings.results is None:
        node.workerinput["vlbench_cache"] = str(scores.cache())


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "BaselineFile | None":
    """The baseline, where pytest comes upon it: named by the option, by testpaths or as an argument."""
    if file_path != parent.config.stash[_SCORES].settings.baseline:
        return None
    return BaselineFile.from_parent(parent, path=file_path)


class BaselineFile(pytest.File):
    """A baseline: its models."""

    def collect(self) -> "Iterator[ModelRows]":
        """The models in the baseline's order."""
        from vlbench.core.errors import VlbenchError

        scores = self.config.stash[_SCORES]
        try:
            pairs = scores.pairs(self.path)
            scores.tolerances(self.path, None)
        except VlbenchError as error:
            raise self.CollectError(f"vlbench: {error}") from error
        for model in dict.fromkeys(model for model, _ in pairs):
            yield ModelRows.from_parent(self, name=model)


class ModelRows(pytest.Collector):
    """A model of a baseline: its tasks."""

    def collect(self) -> "Iterator[ScoreItem]":
        """The tasks in the baseline's order."""
        for model, task in self.config.stash[_SCORES].pairs(self.path):
            if model == self.name:
                yield ScoreItem.from_parent(self, name=task, model=model)


class ScoreItem(pytest.Item):
    """A model on a task, against the baseline."""

    def __init__(self, *, model: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.model = model
        self.add_marker("vlbench")

    def runtest(self) -> None:
        """Read or make the result and compare it; what moved and fails nothing is a section of the report."""
        scores = self.config.stash[_SCORES]
        moved = scores.check(scores.result(self.model, self.name), baseline=self.path)
        if moved:
            self.add_report_section("call", "vlbench", moved)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The table of what fails, or the line that says why there is no result."""
        from vlbench.core.errors import VlbenchError

        if isinstance(excinfo.value, Regression):
            return str(excinfo.value)
        if isinstance(excinfo.value, VlbenchError):
            return f"vlbench: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it stands, and its name in the heading of a failure."""
        return self.path, None, f"vlbench::{self.model}::{self.name}"


class AssertNoRegression(Protocol):
    """What the fixture of that name is."""

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
    """The result of a model on a task, read or made once in a session."""
    return pytestconfig.stash[_SCORES].result


@pytest.fixture(scope="session")
def assert_no_regression(pytestconfig: pytest.Config) -> AssertNoRegression:
    """Fails with a table where a result, or a model on a task, is worse than the baseline says."""
    scores = pytestconfig.stash[_SCORES]

    def check(
        result: "Result | str",
        task: str = "",
        *,
        baseline: Path | str | None = None,
        tolerance: float | str | None = None,
    ) -> None:
        __tracebackhide__ = True
        found = scores.result(result, task) if isinstance(result, str) else result
        scores.check(
            found,
            baseline=None if baseline is None else Path(baseline),
            tolerance=None if tolerance is None else str(tolerance),
        )

    return check
