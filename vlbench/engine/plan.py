"""What a request needs: one job for each model and task, under keys made of content; imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Identity, Task, Text
from vlbench.core.digest import digest_of, digest_of_code, digest_of_modules, digest_of_strings
from vlbench.core.errors import Unsupported
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import SCHEMA
from vlbench.engine.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a job's features, predictions and measurements are stored; no task name is in any of them."""

    image_space: str
    text_space: str
    images: tuple[str, ...]
    texts: tuple[str, ...]
    code: str
    prediction: str
    measurement: str


@dataclass(frozen=True, slots=True)
class Job:
    """One model on one task; `row` is the model's name in results, with what differs from the default."""

    checkpoint: Checkpoint
    identity: Identity
    task: Task
    row: str
    keys: Keys


def plan_job(checkpoint: Checkpoint, task: Task, settings: RunSettings) -> Job:
    """Refuse what cannot work and compute the keys.

    Raises:
        Unsupported: the model lacks what the task needs, or the device lacks the precision.
    """
    unmet = sorted(task.needs - checkpoint.capabilities)
    if unmet:
        raise Unsupported(
            f"{checkpoint.name} cannot {', '.join(unmet)}, which {task.name} needs; choose another model"
        )
    if settings.on_cpu and settings.precision == "fp16":
        raise Unsupported("fp16 does not run on a CPU; use --precision fp32 or bf16")
    identity = checkpoint.identify()
    place = {"precision": settings.precision, "device": settings.device.partition(":")[0]}
    return Job(
        checkpoint,
        identity,
        task,
        row_name(checkpoint, settings),
        _keys(identity, task, place, settings.seed),
    )


def row_name(checkpoint: Checkpoint, settings: RunSettings) -> str:
    """The model's name in results: what is not the default is part of it, so rows never mix."""
    marks: list[str] = [settings.precision] if settings.precision != "fp32" else []
    marks += [checkpoint.preprocess_mode] if checkpoint.preprocess_mode != "exact" else []
    return "+".join([checkpoint.name, *marks])


def text_key(text: Text) -> str:
    """The key of a text: everything a model may use of it."""
    return digest_of([text.name, text.prompts, text.descriptions, dict(text.ids)])


def _keys(identity: Identity, task: Task, place: dict[str, str], seed: int) -> Keys:
    problem = task.problem
    image_space = digest_of({"side": identity.image, **place})
    text_space = digest_of({"side": identity.text, **place})
    images = tuple(_image_keys([problem.images.fingerprint(i) for i in range(len(problem.images))]))
    texts = tuple(map(text_key, problem.texts))
    relevant = problem.relevant
    prediction = digest_of(
        {
            "model": identity.whole,
            "spaces": [image_space, text_space],
            "images": digest_of_strings(images),
            "texts": digest_of_strings(texts),
            "relevant": digest_of([relevant.images.tolist(), relevant.texts.tolist(), relevant.shape]),
            "scoring": task.scoring,
            "engine": digest_of_modules(*Path(__file__).parent.glob("*.py")),
        }
    )
    code = digest_of_code(TASK_KINDS.get(task.kind), *task.metrics.values())
    measurement = digest_of(
        {
            "prediction": prediction,
            "protocol": task.protocol.digest,
            "metrics": list(task.metrics),
            "primary": task.primary,
            "code": code,
            "seed": seed,
            "schema": SCHEMA,
        }
    )
    return Keys(image_space, text_space, images, texts, code, prediction, measurement)


def _image_keys(fingerprints: Sequence[str]) -> list[str]:
    return [digest_of_strings([fingerprint]) for fingerprint in fingerprints]
