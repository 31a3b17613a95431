"""The settings of the pytest plug-in, from options or the ini file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; `cache` is None if features are not kept.

    `results` are the folders where results may be, in order; none if models are run.
    `options` are those of `evaluate`; with `strict`, what the baseline does not list fails.
    """

    baseline: Path | None
    results: tuple[Path, ...]
    tolerance: str
    options: Mapping[str, object]
    cache: Path | None
    strict: bool = False


def settings_of(config: pytest.Config) -> Settings:
    """Read the settings: options come before ini settings.

    Paths in options are relative to pytest's folder.
    """
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
    roots, below = asked("data_root")
    options: dict[str, object] = {
        "include_path": [folder / Path(each).expanduser() for each in includes],
        "data_root": [_root(text, below) for text in roots],
        "device": asked("device")[0] or None,
    }
    runs = asked("run")[0] and not config.option.vlbench_results
    folders = [results] if results else []
    if baseline and not results:  # where `vlbench check` looks, and beside the baseline
        folders = [baseline.parent, baseline.parent / "results", config.invocation_params.dir / "results"]
    return Settings(
        baseline=baseline,
        results=() if runs else tuple(dict.fromkeys(folders)),
        tolerance=asked("tolerance")[0],
        options=options,
        cache=path("cache"),
        strict=asked("strict")[0],
    )


def _root(text: str, folder: Path) -> str:
    """A data folder, or `TASK=DIR`, relative to a folder."""
    whole = folder / Path(text).expanduser()
    task, mark, own = text.partition("=")
    return f"{task}={folder / Path(own).expanduser()}" if mark and not whole.exists() else str(whole)
