"""From a prediction to metrics and a result. Imports no torch, so that stored predictions suffice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial as bind
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from platform import python_version
from typing import Never

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.digest import digest_of, digest_of_strings
from vlbench.core.errors import DataError, NotFinite, PluginError
from vlbench.core.image import sample_digest
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.method import Head, Lesson, Method, Split
from vlbench.core.metric import out_of_range
from vlbench.core.metric_name import split_metric
from vlbench.core.problem import Problem
from vlbench.core.record import NOT_KEPT
from vlbench.core.result import Result, Timing, ZeroShot
from vlbench.engine.job import Job

PACKAGES = ("vlbench", "torch", "torchvision", "open_clip_torch", "numpy", "pillow")
_LOWEST = {"cosine": -1.0, "probability": 0.0}


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run records about itself besides its numbers; `row` is the row that it was run for.

    `changes` are those of the model's files; `learned` is what its method reports about its learning.
    """

    settings: Mapping[str, str | int]
    software: Mapping[str, str]
    timing: Timing
    changes: tuple[str, ...] = ()
    row: str = ""
    learned: Mapping[str, str | int | float] = field(default_factory=dict)


def software_versions() -> dict[str, str]:
    """The versions of Python and of packages that can change a number."""
    versions = {"python": python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def truth_digest(problem: Problem) -> str:
    """Digest of a problem's truth: its right pairs, its groups, and which pairs are asked about."""
    stated = {name: [each.of, digest_of_strings(each.labels)] for name, each in problem.groups.items()}
    # images grouped in one way, and all pairs asked, as in version 0.1, whose digests stay
    of_images = stated["group"][1] if stated.keys() == {"group"} else None
    one_way = of_images is not None and stated["group"][0] == "candidates"
    parts: list[object] = [problem.relevant.digest, of_images if one_way else stated or None]
    if problem.asked is not None:
        parts.append([problem.asked.how, problem.asked.pairs.digest])
    return digest_of(parts)


def data_digests(job: Job, cache: Path) -> dict[str, str]:
    """Digests of a job's data: image ids, texts, truth, and the image ids of splits that it learns from.

    For images in files, also a digest of the bytes of a few of them.
    """
    digests = {
        "image_ids": job.keys.candidate_ids,
        "texts": job.keys.queries,
        "truth": truth_digest(job.task.problem),
    }
    sample = sample_digest(job.task.problem.images, cache)
    if sample:
        digests["image_sample"] = sample
    for split, each in job.learn_from.items():
        digests[f"{split}_image_ids"] = each.keys.candidate_ids
    return digests


def all_digests(job: Job, cache: Path) -> dict[str, str]:
    """Digests of a job's model, data, code, and of its method where it has one."""
    identity, method = job.identity, job.method
    model = {"model": identity.whole, "image_side": identity.image, "text_side": identity.text}
    of_method = {"method": method.digest} if method.mark() else {}
    return {**model, **data_digests(job, cache), **of_method, "code": job.keys.code}


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of a job, and the record of the run that made its prediction.

    `thresholds` are stated by the task or learned by the method. If it was not read from the store, it also
    has the `prediction` that was measured and the pseudo-values of the primary metric.
    """

    values: tuple[Measurement, ...]
    thresholds: tuple[float, ...]
    facts: RunFacts
    prediction: Prediction | None = field(default=None, metadata=NOT_KEPT)


def decided(
    job: Job, prediction: Prediction, facts: RunFacts, learned: Mapping[str, Prediction]
) -> tuple[Prediction, RunFacts]:
    """Add thresholds to a job's prediction: those of its task, or those that its method learns.

    `learned` holds the predictions of the splits that the method learns from. The facts record what it
    learned.

    Raises:
        DataError: a stated threshold is outside the range of the model's scores, or no tag is true of the
            images that thresholds are learned from.
    """
    if job.task.thresholds is not None:
        check_stated(job, prediction.unit)
        return prediction.under(job.task.thresholds), facts
    if not job.decides_late or job.method.fit is None:
        return prediction, facts
    splits = {
        name: Split(job.learn_from[name].problem, _no_vectors, bind(learned.__getitem__, name))
        for name in learned
    }
    head = job.method.fit(Lesson(splits, _no_vectors, job.seed))
    check_head(job.method, head)
    assert head.thresholds is not None  # its only part
    return prediction.under(head.thresholds), replace(facts, learned=dict(head.learned))


def check_head(method: Method, head: object) -> None:
    """Raise PluginError where a method's `fit` returns no Head, or other parts than the method states."""
    if not isinstance(head, Head):
        raise PluginError(
            f"method {method.name!r} answers {type(head).__name__}; its `fit` has to return a Head of "
            "vlbench.core.method"
        )
    parts = {name for name in ("compose", "score", "thresholds") if getattr(head, name) is not None}
    if parts != method.parts:
        raise PluginError(
            f"method {method.name!r} says that it learns {', '.join(sorted(method.parts)) or 'nothing'} and "
            f"learned {', '.join(sorted(parts)) or 'nothing'}; mend its `parts`"
        )
    for name, value in head.learned.items():
        if type(value) not in (str, int, float) or (isinstance(value, float) and not isfinite(value)):
            raise PluginError(
                f"method {method.name!r} says that {name!r} is {value!r}; mend its `learned`, which holds "
                "texts and finite numbers"
            )


def check_stated(job: Job, unit: ScoreUnit) -> None:
    """Check that the thresholds of a task are within the range of the model's scores.

    Raises:
        DataError: one is not; the message names its text.
    """
    stated = job.task.thresholds
    if stated is None:
        return
    low = _LOWEST[unit.kind]
    for name, threshold in zip(job.task.problem.names, stated, strict=True):
        if not low <= threshold <= 1:
            raise DataError(
                f"{job.task.name}: threshold {threshold:g} of {name!r}: {job.checkpoint.name} states a "
                f"{unit.kind}; give a number from {low:g} to 1"
            )


def measure(job: Job, prediction: Prediction, facts: RunFacts) -> Measured:
    """Measure all metrics of a job on its prediction.

    Raises:
        NotFinite: a metric is NaN or infinite; it is never reported.
        PluginError: a value is outside the metric's range, such as a fraction of 1.7.
    """
    task = job.task
    values = []
    for name, metric in job.metrics.items():
        options = MetricOptions(at=split_metric(name)[1], seed=job.seed)
        found = metric(prediction, task.problem, options)
        chance, constant = (
            None if level is None or found.value is None else level(task.problem, options)
            for level in (metric.chance, metric.constant)
        )
        for said, of in (
            (found.value, ""),
            (chance, " by chance"),
            (constant, " of one answer for all"),
            (found.ci_low, ", the low end of its interval,"),
            (found.ci_high, ", the high end of its interval,"),
            *((part.value, f" of {part.name!r}") for part in found.parts),
        ):
            if said is not None and not isfinite(said):
                raise NotFinite(f"{task.name}: {name}{of} is {said}; check the metric and the scores")
        for said, of in ((found.value, ""), (chance, " by chance"), (constant, " of one answer for all")):
            if wrong := out_of_range(said, metric.least, metric.most):
                raise PluginError(
                    f"{task.name}: {name}{of} is {wrong}; mend the metric, or state its `least` and `most`"
                )
        influence = found.influence if name == task.primary else None
        count = len(task.problem.candidates)
        if influence is not None and len(influence) != count:
            raise PluginError(
                f"{task.name}: {name} gives pseudo-values of {len(influence)} images and there are "
                f"{count}; mend the metric's `influence`, or what its scoring keeps"
            )
        values.append(
            replace(
                found,
                metric=name,
                lower_is_better=metric.lower_is_better,
                least=metric.least,
                most=metric.most,
                chance=chance,
                constant=constant,
                influence=influence,
            )
        )
    decided = task.thresholds is not None or "thresholds" in job.method.parts
    thresholds = tuple(prediction["thresholds"].tolist()) if decided else ()
    return Measured(tuple(values), thresholds, facts, prediction)


def result_of(
    job: Job,
    found: Measured,
    cache: Path,
    *,
    zero_shot: ZeroShot = "unknown",
    seen: tuple[int, Mapping[str, str]] = (0, {}),
    facts: Mapping[str, str | int | float] | None = None,
    read: Mapping[str, str] | None = None,
) -> Result:
    """The result of a job, with the model's `facts` from its card and what was `read` from the data.

    `seen` is what `seen_by` returns.
    """
    task, identity, run = job.task, job.identity, found.facts
    images, shots = task.problem.images, job.method.settings.get("shots")
    # of a method that reads images alone, models of one image side share what was learned and scored
    other = f"{run.row}: " if run.row != job.row else ""
    shared = {"shared_with": run.row} if other and job.method.mark() else {}
    return Result(
        model=job.row,
        task=task.name,
        kind=task.kind,
        protocol=task.protocol.name,
        protocol_digest=task.protocol.digest,
        protocol_statement=dict(task.protocol.statement),
        primary=task.primary,
        metrics=tuple(replace(each, influence=None) for each in found.values),
        n_images=len(images),
        n_texts=len(task.problem.queries),
        n_relevant=len(task.problem.relevant.candidates),
        partial=task.partial,
        replicate_of=job.replicate_of,
        method=job.method.mark().removeprefix("+"),
        thresholds=found.thresholds,
        adapter=job.checkpoint.adapter,
        origin=identity.origin,
        weights=dict(identity.weights),
        source=images.name,
        source_revision=images.revision,
        digests={**all_digests(job, cache), **seen[1]},
        settings={
            **run.settings,
            "seed": job.seed,
            **({"method": job.method.spelling} if job.method.mark() else {}),
            **({"shots": shots} if isinstance(shots, int) else {}),
        },
        software=dict(run.software),
        timing=run.timing,
        zero_shot=zero_shot,
        seen_images=seen[0],
        facts=dict(facts or {}),
        read=dict(read or {}),
        changes=tuple(other + each for each in run.changes),
        learned={**run.learned, **shared},
    )


def _no_vectors() -> Never:
    raise PluginError("a method of thresholds alone reads predictions, not vectors; state more `parts`")
