"""mteb's results: one JSON per task, in a folder per model with `model_meta.json`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from vlbench.core.errors import DataError
from vlbench.core.text_file import read_json
from vlbench.report.exchange.imported import TheirScore, fraction_text

DIFFERS = "protocol: mteb's own templates and copy of the data"
_METRICS = {"accuracy": "acc1"}
_MAIN = "main_score"
_META = "model_meta.json"
_DEFAULT = "default"


def read_mteb(path: Path, *, model: str | None = None) -> tuple[TheirScore, ...]:
    """Every number in a result file, split by split, under its data set and split. Their accuracy is acc1.

    `model` is the name of the model; by default the one in `model_meta.json` next to the file.

    Raises:
        DataError: the file has another layout, nothing names the model, or a main score is not a fraction.
    """
    content = _object(path)
    task, scores = content.get("task_name"), content.get("scores")
    if not isinstance(task, str) or not isinstance(scores, dict) or not scores:
        raise DataError(f"{path}: not a result of mteb: `task_name` and `scores` are missing")
    name = model or _model_beside(path)
    return tuple(_scores(path, task, scores, name))


def _scores(path: Path, task: str, scores: Mapping[str, object], model: str) -> Iterator[TheirScore]:
    for split, subsets in scores.items():
        if not isinstance(subsets, list) or not all(isinstance(each, dict) for each in subsets):
            raise DataError(f"{path}: not a result of mteb: scores of {split!r} are no list")
        for subset in subsets:
            if _MAIN not in subset:
                raise DataError(f"{path}: not a result of mteb: {split!r} has no {_MAIN}")
            language = str(subset.get("hf_subset", _DEFAULT))
            for metric, text in _fractions(path, subset):
                yield TheirScore(
                    model=model,
                    pretrained="",
                    dataset=task,
                    metric=_METRICS.get(metric, metric),
                    text=text,
                    language="" if language == _DEFAULT else language,
                    differs=DIFFERS if split == "test" else f"split: {split}",
                )


def _fractions(path: Path, subset: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The metrics that are fractions; the main score must be one."""
    for metric, value in subset.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if metric == _MAIN or (is_number and 0 <= cast("float", value) <= 1):
            yield metric, fraction_text(value, f"{path}, {metric}")


def _model_beside(path: Path) -> str:
    meta = path.parent / _META
    name = _object(meta).get("name") if meta.is_file() else None
    if not isinstance(name, str) or not name:
        raise DataError(f"{path}: nothing names the model; add --model NAME, or put {_META} beside the file")
    return name


def _object(path: Path) -> Mapping[str, object]:
    value = read_json(path, mend="name a result of mteb")
    if not isinstance(value, dict):
        raise DataError(f"{path}: not a result of mteb: no JSON object")
    return value
