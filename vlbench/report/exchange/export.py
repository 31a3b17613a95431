"""Results in the layouts of other tools: Hugging Face's model-index, JSON lines, CLIP_benchmark's CSV."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vlbench.core.errors import DataError
from vlbench.core.measurement import Measurement
from vlbench.core.result import Result
from vlbench.report.comparable import columns, whole_results
from vlbench.report.table import Table

Form = Literal["model-index", "jsonl", "clip_benchmark"]

_HUB_TASKS = {
    "classification": ("zero-shot-image-classification", "Zero-Shot Image Classification"),
    "retrieval": ("image-text-retrieval", "Image-Text Retrieval"),
    "tagging": ("image-multilabel-classification", "Image Tagging"),
}
"""The hub's task types. It has one only for the first, and accepts any name."""

_HUB_METRICS = {"acc1": "accuracy"}
_ITS_TASKS = {
    "classification": "zeroshot_classification",
    "retrieval": "zeroshot_retrieval",
    "tagging": "zeroshot_classification",
}
"""CLIP_benchmark's names of task types; tasks with several labels per image are classification there."""

_FOLDED = frozenset("\x85\u2028\u2029")
"""Ends of lines that YAML 1.1 folds, also between quotes; escaped they are read back."""
EXPORTER = "exported_by"
"""The column by which `vlbench import` recognises our own results."""
_US = "vlbench"
_ITS_METRICS = (
    "acc1",
    "acc5",
    "mean_per_class_recall",
    "mean_average_precision",
    *(f"{side}_retrieval_recall@{k}" for side in ("image", "text") for k in (1, 5, 10)),
)
_DIGESTS = ("image_ids", "texts", "truth", "validation_image_ids", "train_image_ids", "method")
_ITS_HEAD = ("dataset", "language", "model", "model_fullname", "pretrained", "task", EXPORTER)


@dataclass(frozen=True, slots=True)
class ExportNames:
    """The names of tasks, data sets and weights in other tools.

    A task has a `title` and a `dataset` with its language; `weights` are an architecture and a tag.
    """

    title: Callable[[str], str]
    dataset: Callable[[str], tuple[str, str]]
    weights: Callable[[str], tuple[str, str]]


def export_text(results: Iterable[Result], form: Form, names: ExportNames) -> str:
    """Results in a form, sorted by model and task, without partial ones.

    CLIP_benchmark's CSV labels everything zero-shot and has no column for a method; see `untold`.

    Raises:
        DataError: the CSV of CLIP_benchmark, which does not identify data, would mix results on different
            data.
    """
    rows = sorted(whole_results(results), key=lambda each: (each.model, each.task))
    match form:
        case "model-index":
            return model_index(rows, names.title)
        case "jsonl":
            return "".join(
                json.dumps(_record(result, value), sort_keys=True, ensure_ascii=False) + "\n"
                for result in rows
                for value in result.metrics
            )
        case "clip_benchmark":
            return clip_benchmark_csv([each for each in rows if not each.method], names)


def untold(results: Iterable[Result], form: Form) -> str:
    """A text about whole results that a form has no place for; empty if there are none."""
    if form != "clip_benchmark":
        return ""
    whole = whole_results(results)
    models = sorted({each.model for each in whole if each.method})
    tasks = sorted({each.task for each in whole if not each.method and not any(_its_cells(each))})
    lines = [f"has no place for a method: {', '.join(models)}"] if models else []
    lines += [f"knows no metric of: {', '.join(tasks)}"] if tasks else []
    return "; ".join(f"left out, since CLIP_benchmark's CSV {line}" for line in lines)


def _its_cells(result: Result) -> list[str]:
    """The values of CLIP_benchmark's metrics; all empty for a kind of task that it does not have."""
    values = {each.metric: each.value for each in result.metrics if each.value is not None}
    known = values if result.kind in _ITS_TASKS else {}
    return ["" if name not in known else repr(known[name]) for name in _ITS_METRICS]


def model_index(results: Sequence[Result], title: Callable[[str], str]) -> str:
    """The YAML of a model card's `model-index`: one result per task, with all metrics that have a value.

    Layout: hub-docs, modelcard.md.
    """
    import yaml

    models: dict[str, list[object]] = {}
    for result in results:
        models.setdefault(result.model, []).append(_hub_result(result, title(result.task)))
    index = [{"name": name, "results": entries} for name, entries in models.items()]
    # by the library that the hub reads it with: of YAML 1.1, where a model called `on` needs quotes
    dump = partial(yaml.safe_dump, {"model-index": index}, sort_keys=False, width=1000)
    written: str = dump(allow_unicode=True)
    return dump(allow_unicode=False) if _FOLDED & set(written) else written


def clip_benchmark_csv(results: Sequence[Result], names: ExportNames) -> str:
    """The columns of `clip_benchmark build`'s CSV, with the metrics that it knows, and who exported them.

    Tasks of other kinds, and results with none of its metrics, are left out.

    Raises:
        DataError: there are results on different data.
    """
    for task, column in columns(results).items():
        for result, differing in column.left_out:
            raise DataError(
                f"{task}: {result.model} and {column.kept[0].model} differ in {' and '.join(differing)}, "
                "which the CSV cannot say; choose models with --model, or run them again on the same data"
            )
    lines = []
    for result in results:
        cells = _its_cells(result)
        if not any(cells):
            continue
        architecture, tag = names.weights(result.model)
        whole = " ".join(filter(None, (architecture, tag)))
        dataset, language = names.dataset(result.task)
        lines.append([*cells, dataset, language, architecture, whole, tag, _ITS_TASKS[result.kind], _US])
    return Table([*_ITS_METRICS, *_ITS_HEAD], lines).csv()


def _hub_result(result: Result, title: str) -> Mapping[str, object]:
    kind, name = _HUB_TASKS.get(result.kind, (result.kind, result.kind))
    if result.method and result.zero_shot == "no":
        kind, name = kind.removeprefix("zero-shot-"), name.removeprefix("Zero-Shot ")
    return {
        "task": {"type": kind, "name": name},
        "dataset": {
            "type": result.task,
            "name": title,
            "args": {
                "protocol": result.protocol,
                "protocol_digest": result.protocol_digest,
                "images": result.n_images,
                **({"method": result.method} if result.method else {}),
                **_told_digests(result),
            },
        },
        "metrics": [
            {
                "type": _HUB_METRICS.get(value.metric, value.metric),
                "value": round(value.value, 6),
                "name": value.metric,
            }
            for value in result.metrics
            if value.value is not None
        ],
    }


def _told_digests(result: Result) -> dict[str, str]:
    """Digests that are equal if two results were measured on the same data with the same method."""
    return {f"{name}_digest": result.digests[name] for name in _DIGESTS if name in result.digests}


def _record(result: Result, value: Measurement) -> Mapping[str, object]:
    """The JSON object of a metric: the measurement, the model and the data."""
    names = ("model", "method", "task", "kind", "protocol", "protocol_digest", "n_images", "n_texts")
    measured = ("metric", "value", "ci_low", "ci_high", "ci_method", "n", "left_out", "chance", "constant")
    return {
        **{name: getattr(result, name) for name in (*names, "source_revision", "zero_shot")},
        **{name: getattr(value, name) for name in measured},
        "primary": value.metric == result.primary,
        "model_digest": result.digests.get("model", ""),
        **_told_digests(result),
        **{f"settings_{name}": setting for name, setting in result.settings.items()},
    }
