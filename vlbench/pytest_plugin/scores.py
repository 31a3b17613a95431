"""What the pytest plug-in keeps during a session: results by model and task, and their check."""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from vlbench.api.runs import evaluate
from vlbench.core.errors import DataError
from vlbench.core.files import file_name
from vlbench.core.registry import METHODS
from vlbench.core.result import Result
from vlbench.core.visible import visible
from vlbench.options import Keywords
from vlbench.pytest_plugin.settings import Settings
from vlbench.report.gate.baseline import BaselineRow, read_baseline, rows_by_pair, rows_of
from vlbench.report.gate.check import Finding, Tolerances, compare_rows
from vlbench.report.gate.check_text import findings_text
from vlbench.report.results import read_result, read_results

_METHOD = re.compile(
    r"(?P<name>[^@~]+?)(?:@(?P<shots>\d+))?(?P<others>~[0-9a-f]{6})?(?:\.s(?P<seed>-?\d{1,18}))?"
)
"""A method after a model's name: `probe@4~3fa2c1.s1`."""


class Regression(AssertionError):
    """A score that differs from the baseline; the text is a line, then a table."""


class Scores:
    """Results by model and task, each read or made once per session, and their check."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.settings = settings
        self._config = config
        self._results: dict[tuple[str, str], Result] = {}
        self._baselines: dict[Path, Mapping[tuple[str, str], Mapping[str, BaselineRow]]] = {}
        shared = getattr(config, "workerinput", {}).get("vlbench_cache")
        self._cache = settings.cache or (Path(shared) if shared else None)

    def result(self, model: str, task: str) -> Result:
        """The result of a model on a task.

        Raises:
            VlbenchError: it is not in the results folder, or cannot be made.
        """
        key = model, task
        if key not in self._results:
            self._results[key] = self._read(*key) if self.settings.results else self._run(*key)
        return self._results[key]

    def check(self, result: Result, *, baseline: Path | None = None, tolerance: str | None = None) -> str:
        """Compare a result with its rows. Returns the table of changes that do not fail.

        Raises:
            Regression: a score fails; the message has the table.
            DataError: there is no baseline, or it lacks the model or task.
        """
        __tracebackhide__ = True

        path = baseline or self.settings.baseline
        if path is None:
            raise DataError("no baseline; give one by --vlbench-baseline, the ini or baseline=")
        rows = self.rows(path).get((result.model, result.task))
        if rows is None:
            raise DataError(
                f"{path}: has no {result.model} on {result.task}; `vlbench check --update` adds it"
            )
        findings = compare_rows(
            rows.values(), rows_of([result]), self.tolerances(path, tolerance), strict=self.settings.strict
        )
        failed = tuple(finding for finding in findings if finding.failed)
        if failed:
            raise Regression(f"{_first(failed)}\n{findings_text(failed, 'text')}")
        return findings_text(findings, "text")

    def rows(self, path: Path) -> Mapping[tuple[str, str], Mapping[str, BaselineRow]]:
        """The rows of a baseline by (model, task), then metric.

        Raises:
            DataError: it is missing or damaged.
        """
        if path not in self._baselines:
            self._baselines[path] = rows_by_pair(read_baseline(path))
        return self._baselines[path]

    def pairs(self, path: Path) -> Sequence[tuple[str, str]]:
        """The models and tasks of a baseline in its order; in strict mode also those of the results.

        Raises:
            DataError: a file is missing or damaged.
        """
        listed = [*self.rows(path)]
        if self.settings.strict and self.settings.results:
            there = rows_by_pair(rows_of(read_results(self._folder)))
            listed += [pair for pair in there if pair not in self.rows(path)]
        return listed

    def tolerances(self, path: Path, tolerance: str | None) -> Tolerances:
        """The tolerances in a text, or those asked for, for the metrics of a baseline.

        Raises:
            VlbenchError: the text is not a list of tolerances, or names metrics that the baseline does not
                have.
        """
        found = Tolerances.of_text(self.settings.tolerance if tolerance is None else tolerance)
        found.refuse_unknown(row for rows in self.rows(path).values() for row in rows.values())
        return found

    def cache(self) -> Path:
        """The folder of features; it is used for this session only, unless a folder was named."""
        if self._cache is None:
            self._cache = Path(tempfile.mkdtemp(prefix="vlbench-"))
            self._config.add_cleanup(lambda: shutil.rmtree(self._cache or "", ignore_errors=True))
        return self._cache

    @cached_property
    def _folder(self) -> Path:
        """The first folder that has a result of the baseline; else the first."""
        folders, baseline = self.settings.results, self.settings.baseline
        pairs = self.rows(baseline) if baseline and len(folders) > 1 else ()
        having = (each for each in folders if any((each / _file(*pair)).is_file() for pair in pairs))
        return next(having, folders[0])

    def _read(self, model: str, task: str) -> Result:
        path = self._folder / _file(model, task)
        if not path.is_file():
            looked = self._folder if path.parent.is_dir() else " and ".join(map(str, self.settings.results))
            raise DataError(
                f"{path}: there is no whole result of {model} on {task}; looked in {looked}: "
                "--vlbench-results names another folder"
            )
        result = read_result(path)
        if (result.model, result.task) != (model, task):
            raise DataError(f"{path}: contains {result.model} on {result.task}; move or delete it")
        return result

    def _run(self, model: str, task: str) -> Result:

        name, marks = _as_asked(model)
        asked: Any = {**self.settings.options, **marks}
        (result,) = evaluate(name, task, cache=self.cache(), **asked)
        if (result.model, result.task) != (model, task):
            raise DataError(
                f"{model} on {task} was run as {result.model} on {result.task}; read its result instead"
            )
        return result


def _file(model: str, task: str) -> str:
    return f"{file_name(task)}/{file_name(model)}.json"


def _first(failed: Sequence[Finding]) -> str:
    """The first failure on one line, for pytest's summary."""
    metric = f"{failed[0].metric}: " if failed[0].metric else ""
    more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
    return visible(f"{metric}{failed[0].message}{more}")


def _as_asked(model: str) -> tuple[str, Keywords]:
    """Split a row's name into a model and options for `evaluate`, which are the marks of the name.

    Raises:
        DataError: the name has only a digest of a method's settings.

    >>> _as_asked("clip-b32@12ab34cd+bf16+fast")
    ('clip-b32@12ab34cd', {'precision': 'bf16', 'preprocess': 'fast'})
    """
    name, *marks = model.split("+")
    options: Keywords = {}
    for mark in marks:
        match mark:
            case "bf16" | "fp16":
                options["precision"] = mark
            case "fast":
                options["preprocess"] = mark
            case _ if (method := _METHOD.fullmatch(mark)) and method["name"] in METHODS:
                options |= _of_method(model, method)
            case _:
                name += f"+{mark}"
    return name, options


def _of_method(model: str, method: re.Match[str]) -> Keywords:

    if method["others"]:
        raise DataError(
            f"{model}: its name does not tell the settings of {method['name']}; read its result instead"
        )
    shots = f":shots={method['shots']}" if method["shots"] else ""
    asked: Keywords = {"method": f"{method['name']}{shots}"}
    if method["seed"]:
        asked["seed"] = int(method["seed"])
    return asked
