"""What was read of a results folder before, kept in the cache: only files that changed are read again.

A file has changed where its path, size, time of writing, time of change or inode are others. All that is kept
is checksummed, and named after the code that made it.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from itertools import starmap
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from vlbench.core.code_digest import digest_of_code
from vlbench.core.digest import digest_of, digest_of_bytes, digest_of_strings
from vlbench.core.files import read_checked, state_of, write_checked
from vlbench.core.json_text import parsed_json
from vlbench.core.measurement import Measurement, Part
from vlbench.core.record import NOT_KEPT
from vlbench.core.result import Result, Timing
from vlbench.core.uncollected import uncollected
from vlbench.report.results import in_order, read_placed, read_results, result_files

PLACE = "results"
"""The folder in the cache."""
SETTLED_NS = 3 * 10**9
"""A file that changed less long ago may change again under the same times: clocks of disks tick up to 2 s."""
_CODE = ("vlbench.core.result", "vlbench.report.tables.leaderboard")
"""Roots of all code that acts between results and what is kept of them."""


File = os.DirEntry[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of the files of a results folder; `place` is where, None for nowhere.

    `code` is a digest of what made it, `keys` one of what the results of each task say.
    """

    place: Path | None = None
    code: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)

    def text(
        self, task: str, name: str, make: Callable[[], str], beside: Callable[[], Iterable[str]] = tuple
    ) -> str:
        """The text of a name that was made of a task's results and of what is beside them, or a new one.

        >>> Kept().text("shapes", "shapes.csv", lambda: "model,acc1")
        'model,acc1'
        """
        if self.place is None or task not in self.keys:
            return make()
        path = self.place / digest_of([task, name])
        key = digest_of_strings([self.keys[task], *beside()])
        before = _read(path, key)
        if before is not None:
            return before
        text = make()
        _write(path, key, text)
        return text

    def lines(self, folder: str, name: str, files: Iterable[File], make: Callable[[File], str]) -> list[str]:
        """The line that is made of each of some files in a folder; made again of those that changed."""
        if self.place is None:
            return list(map(make, files))
        path = self.place / digest_of([folder, name])
        settled = time.time_ns() - SETTLED_NS
        before, _, said = (_read(path, self.code) or "").partition("\n\n")
        # before they are read: what changes meanwhile has another state; ASCII, a line whatever the name
        states = {ascii(state_of(file.name, file.stat())): file for file in files}
        if before and before == "\n".join(states):
            return said.split("\n")
        known = dict(zip(before.split("\n"), said.split("\n"), strict=True)) if before else {}
        found = {state: known.get(state) or make(file) for state, file in states.items()}
        told = {state: line for state, line in found.items() if states[state].stat().st_ctime_ns < settled}
        if told != known:
            _write(path, self.code, "\n".join([*told, "", *told.values()]))
        return list(found.values())


NOTHING_KEPT = Kept()


@uncollected()
def known_results(
    folder: Path, cache: Path | None, *, parts: bool = False
) -> tuple[tuple[Result, ...], Kept]:
    """All results of a folder, of which only files that changed are read, and what is kept beside them.

    Without `parts` the metrics are without them. Without a cache, or where it cannot be written, all files
    are read.

    Raises:
        DataError: as of `read_results`.
    """
    if cache is None:
        return read_results(folder), NOTHING_KEPT
    try:
        code = digest_of_code(*_CODE, __name__, cache=cache)
    except OSError:
        return read_results(folder), NOTHING_KEPT
    kept = Kept(cache / PLACE / digest_of_bytes(os.fsencode(folder.resolve())), code)
    results: list[Result] = []
    keys: dict[str, str] = {}
    said: dict[str, Any] = {}
    name = "parts" if parts else "results"

    def row(file: File) -> str:
        return _row(read_placed(folder, file.path), parts=parts)

    for of_task, files in result_files(folder):
        rows = kept.lines(of_task, name, files, row)
        read = _read_rows(rows, said)
        results += read
        # what is made of them names no parts, so that it is one whether these were asked for
        bare = "\n".join(row.rpartition("\t")[0] for row in rows)
        keys |= {one.task: digest_of_strings([kept.code, bare]) for one in read[:1]}
    return in_order(results), replace(kept, keys=keys)


def trusted_cache(cache: Path) -> Path | None:
    """The cache for a check; None in a CI run, which reads every file whatever their states say.

    CI systems set CI; a checkout gives all files new states anyway.
    """
    return None if os.environ.get("CI") else cache


def _read(path: Path, key: str) -> str | None:
    """The text that is kept under a key; None where there is none, or it is damaged or another's."""
    mark, _, text = (read_checked(path) or b"").partition(b"\n")
    return text.decode() if mark == key.encode() else None


def _write(path: Path, key: str, text: str) -> None:
    with suppress(OSError):  # without room all is read, as without a cache
        write_checked(path, f"{key}\n{text}")


_NAMES = [each.name for each in fields(Result)]
_HINTS = [get_type_hints(Result)[name] for name in _NAMES]
_TUPLES = [place for place, kind in enumerate(_HINTS) if get_origin(kind) is tuple]
_MAPPINGS = [place for place, kind in enumerate(_HINTS) if get_origin(kind) is Mapping]
_TIMING, _METRICS = map(_NAMES.index, ("timing", "metrics"))
_OWN = [_NAMES.index(name) for name in ("model", "origin", "changes", "timing", "metrics")]
"""The fields that differ from model to model. Many results have all of the others in common."""
_OF_METRICS = [each.name for each in fields(Measurement) if each.metadata != NOT_KEPT]
_VALUE, _LOW, _HIGH = _MEASURED = [_OF_METRICS.index(name) for name in ("value", "ci_low", "ci_high")]
"""Those of a metric."""
_PARTS = _OF_METRICS.index("parts")


def _maker(kind: type[Any], names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """What makes a value of some of its fields, the others as by default: a third faster than `kind` itself,
    which sets each field by its name. A folder of results makes 100,000.
    """
    setters = [getattr(kind, name).__set__ for name in names]
    rest = [
        (getattr(kind, each.name).__set__, each.default) for each in fields(kind) if each.name not in names
    ]

    def make(values: Sequence[Any]) -> Any:
        made = object.__new__(kind)
        for set_field, value in zip(setters, values, strict=True):
            set_field(made, value)
        for set_field, default in rest:
            set_field(made, default)
        return made

    return make


_result, _timing = _maker(Result, _NAMES), _maker(Timing, [each.name for each in fields(Timing)])
_measurement = _maker(Measurement, _OF_METRICS)


def _row(result: Result, *, parts: bool) -> str:
    """A result as texts of JSON with tabs between: its own values, those it has in common, each mapping, and
    the columns of its metrics' parts, none without `parts`.
    """
    row: list[Any] = [getattr(result, name) for name in _NAMES]
    row[_TIMING] = [getattr(result.timing, each.name) for each in fields(Timing)]
    metrics: list[list[Any]] = [[getattr(metric, name) for name in _OF_METRICS] for metric in result.metrics]
    row[_METRICS] = [[metric[place] for place in _MEASURED] for metric in metrics]
    of_all = [metric[_PARTS] if parts else () for metric in metrics]
    columns = [[[getattr(part, each.name) for part in of] for each in fields(Part) if of] for of in of_all]
    mappings = [row[place] for place in _MAPPINGS]
    cells: list[object] = [[row[place] for place in _OWN], row, *mappings, columns]
    for place in (*_OWN, *_MAPPINGS):
        row[place] = None
    for metric in metrics:
        for place in (*_MEASURED, _PARTS):
            metric[place] = None
    row[_METRICS] = metrics
    return "\t".join(json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in cells)


def _read_rows(texts: Sequence[str], said: dict[str, Any]) -> list[Result]:
    """The results of rows; `said` holds by its text what many results share."""
    cells = [text.split("\t") for text in texts]
    owns: list[list[Any]] = parsed_json(f"[{','.join(each[0] for each in cells)}]")
    parts: list[list[Any]] = parsed_json(f"[{','.join(each.pop() for each in cells)}]")
    new = list(dict.fromkeys(text for _, *shared in cells for text in shared if text not in said))
    said.update(zip(new, parsed_json(f"[{','.join(new)}]"), strict=True))
    found = []
    for own, (_, common, *mappings), of_metrics in zip(owns, cells, parts, strict=True):
        row: list[Any] = said[common].copy()
        metrics = row[_METRICS]
        for place, value in zip(_OWN, own, strict=True):
            row[place] = value
        for place, text in zip(_MAPPINGS, mappings, strict=True):
            row[place] = said[text]
        row[_TIMING] = _timing(row[_TIMING])
        measured = []
        for metric, (value, low, high), columns in zip(metrics, row[_METRICS], of_metrics, strict=True):
            values = metric.copy()
            values[_VALUE], values[_LOW], values[_HIGH] = value, low, high
            values[_PARTS] = tuple(starmap(Part, zip(*columns, strict=True))) if columns else ()
            measured.append(_measurement(values))
        row[_METRICS] = measured
        for place in _TUPLES:
            row[place] = tuple(row[place])
        found.append(_result(row))
    return found
