"""What a request needs: one job for each model and task, under keys made of content; imports no torch."""

from dataclasses import dataclass, replace
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Dataset, Identity, Text
from vlbench.core.digest import digest_of, digest_of_code, digest_of_modules, digest_of_strings
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import SCHEMA
from vlbench.core.task import Task, Tuning
from vlbench.engine.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a job's features, predictions and measurements are stored; no task name is in any of them.

    `image_ids` is a digest of the images' names, which is in no key.
    """

    image_space: str
    text_space: str
    score_space: str
    images: tuple[str, ...]
    image_ids: str
    texts: tuple[str, ...]
    code: str
    prediction: str
    measurement: str


@dataclass(frozen=True, slots=True)
class Job:
    """One model on one task; `row` is the model's name in results, with what differs from the default.

    `validation` is the job whose scores the task's thresholds are chosen on, if they are.
    """

    checkpoint: Checkpoint
    identity: Identity
    task: Task
    row: str
    keys: Keys
    validation: "Job | None" = None


def plan_job(
    checkpoint: Checkpoint, task: Task, settings: RunSettings, identity: Identity | None = None
) -> Job:
    """Refuse what cannot work and compute the keys.

    `identity` is the checkpoint's, where several of its jobs are planned and it was asked for once.

    Raises:
        Unsupported: a metric reads what the task does not keep or does not suit its question, the model
            lacks what the task needs, or the device lacks the precision.
    """
    for metric in task.metrics.values():
        metric.check_reads(task.scoring.keeps, of=task.name)
        if metric.suits is not None:
            metric.suits(task.problem, metric.name)
    if isinstance(task.thresholds, Tuning):
        task.thresholds.choose.check_reads(task.thresholds.task.scoring.keeps, of=task.name)
    unmet = sorted((task.needs | task.scoring.needs) - checkpoint.capabilities)
    if unmet:
        raise Unsupported(
            f"{checkpoint.name} cannot {', '.join(unmet)}, which {task.name} needs; choose another model"
        )
    if settings.on_cpu and settings.precision == "fp16":
        raise Unsupported("fp16 does not run on a CPU; use --precision fp32 or bf16")
    return _job(checkpoint, identity or checkpoint.identify(), task, settings)


def with_texts(job: Job, task: Task, settings: RunSettings) -> Job:
    """A job about the same images with a task that asks other texts; the images' keys are taken over."""
    keys = _keys(job.identity, task, settings, job.validation, (job.keys.images, job.keys.image_ids))
    return replace(job, task=task, keys=keys)


def row_name(checkpoint: Checkpoint, settings: RunSettings) -> str:
    """The model's name in results: what is not the default is part of it, so rows never mix."""
    marks: list[str] = [settings.precision] if settings.precision != "fp32" else []
    marks += [checkpoint.preprocess_mode] if checkpoint.preprocess_mode != "exact" else []
    return "+".join([checkpoint.name, *marks])


def text_key(text: Text) -> str:
    """The key of a text: everything a model may use of it."""
    return digest_of([text.name, text.prompts, text.descriptions, dict(text.ids)])


def image_space(identity: Identity, settings: RunSettings) -> str:
    """Where a model's image features are stored, by everything that decides them."""
    return _space(identity.image, settings)


def image_keys(source: Dataset) -> tuple[str, ...]:
    """The key of each image of a data set.

    Raises:
        DataError: an example has no state, by which its features would be known.
    """
    return _of_images(source)[0]


def _of_images(source: Dataset) -> tuple[tuple[str, ...], str]:
    """The key of each image, and a digest of their ids, in one pass."""
    keys, ids = [], []
    for example in source.examples:
        if not example.state:
            raise DataError(
                f"{source.name}: image {example.id} has no state, by which stored features are found; "
                "give each Example one, which was fingerprint(i) in version 0.1"
            )
        keys.append(digest_of_strings([example.state]))
        ids.append(example.id)
    return tuple(keys), digest_of_strings(ids)


def _space(side: str, settings: RunSettings) -> str:
    place = {"precision": settings.precision, "device": settings.device.partition(":")[0]}
    return digest_of({"side": side, **place})


def _job(checkpoint: Checkpoint, identity: Identity, task: Task, settings: RunSettings) -> Job:
    chosen = task.thresholds
    validation = _job(checkpoint, identity, chosen.task, settings) if isinstance(chosen, Tuning) else None
    row = row_name(checkpoint, settings)
    images = _of_images(task.problem.images)
    return Job(
        checkpoint, identity, task, row, _keys(identity, task, settings, validation, images), validation
    )


def _keys(
    identity: Identity,
    task: Task,
    settings: RunSettings,
    validation: Job | None,
    of_images: tuple[tuple[str, ...], str],
) -> Keys:
    problem = task.problem
    images, image_ids = of_images
    spaces = [image_space(identity, settings), _space(identity.text, settings)]
    texts = tuple(map(text_key, problem.texts))
    score_space = digest_of({"model": identity.whole, "spaces": spaces, "texts": digest_of_strings(texts)})
    prediction = digest_of(
        {
            "model": identity.whole,
            "spaces": spaces,
            "images": digest_of_strings(images),
            "texts": digest_of_strings(texts),
            "relevant": problem.relevant.digest,
            "scoring": [task.scoring.name, digest_of_code(task.scoring.run)],
            "engine": digest_of_modules(*Path(__file__).parent.glob("*.py")),
        }
    )
    code = digest_of_code(TASK_KINDS.get(task.kind), *(metric.run for metric in task.metrics.values()))
    measurement = digest_of(
        {
            "prediction": prediction,
            "protocol": task.protocol.digest,
            "groups": digest_of_strings(task.problem.groups or ()),
            "metrics": list(task.metrics),
            "primary": task.primary,
            "thresholds": _thresholds_key(task, validation),
            "code": code,
            "seed": settings.seed,
            "schema": SCHEMA,
        }
    )
    return Keys(spaces[0], spaces[1], score_space, images, image_ids, texts, code, prediction, measurement)


def _thresholds_key(task: Task, validation: Job | None) -> object:
    """What decides a task's thresholds; a prediction has the model's own, so it is shared by all of them."""
    if isinstance(task.thresholds, Tuning) and validation is not None:
        return [validation.keys.prediction, digest_of_code(task.thresholds.choose.run)]
    return task.thresholds
