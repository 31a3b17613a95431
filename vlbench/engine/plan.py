"""Plans: a job for each model, method and task of a request, with keys made of content. Imports no torch."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import product
from pathlib import Path

from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Checkpoint, Dataset, Identity, Text
from vlbench.core.digest import digest_of, digest_of_strings
from vlbench.core.errors import Attempt
from vlbench.core.image import ImageList, known_keys, list_images
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem, Query
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import SCHEMA
from vlbench.core.task import Task
from vlbench.engine.job import Job, Keys
from vlbench.engine.refusal import refuse_unfit
from vlbench.engine.settings import RunSettings

Listed = dict[int, ImageList | None]
"""Listed images, by the `id` of their data set."""


def plan_job(
    checkpoint: Checkpoint,
    task: Task,
    settings: RunSettings,
    identity: Identity | None = None,
    method: Method = ZERO_SHOT,
    listed: Listed | None = None,
) -> Job:
    """Refuse what cannot work, and compute the keys that do not depend on image bytes.

    Where several jobs are planned, `identity` is the checkpoint's and `listed` holds images by the `id` of
    their data set, so that each is computed once.

    Raises:
        Unsupported: a metric reads what the task does not keep or does not suit its question, the method does
            not suit the task, the model lacks what they need, or the device lacks the precision.
    """
    problem = rewritten(task, method)
    refuse_unfit(checkpoint, task, problem, method, settings)
    identity = identity or checkpoint.identify()
    return _job(checkpoint, identity, task, problem, settings, method, {} if listed is None else listed)


def rewritten(task: Task, method: Method) -> Problem:
    """The problem of a task as a method asks it."""
    return task.problem if method.rewrite is None else method.rewrite(task.problem)


def located(job: Job, cache: Path) -> Job | None:
    """The job with all of its keys; None where images must be read first."""
    if job.keys.measurement:
        return job
    keys = job.keys
    candidates = keys.candidates if keys.images is None else known_keys(keys.images, cache)
    references = () if keys.reference_images is None else known_keys(keys.reference_images, cache)
    learn_from = {split: located(each, cache) for split, each in job.learn_from.items()}
    if candidates is None or references is None or not all(learn_from.values()):
        return None
    known = replace(job, learn_from={split: each for split, each in learn_from.items() if each is not None})
    keys = replace(keys, candidates=candidates, references=references)
    return replace(known, keys=_stored_keys(known, keys, cache))


def text_key(text: Text) -> str:
    """The key of a text: a digest of all fields that a model may read.

    >>> text_key(Text("dog")) == text_key(Text("dog", prompts=("a dog",)))
    False
    """
    return digest_of([text.name, text.prompts, text.descriptions, dict(text.ids)])


def space_of(side: str, settings: RunSettings, device: str) -> str:
    """The key of a feature folder: a digest of the model's side, the precision and the kind of device."""
    place = {"precision": settings.precision, "device": device.partition(":")[0]}
    return digest_of({"side": side, **place})


def plan_jobs(
    checkpoint: Checkpoint,
    tasks: Sequence[Task],
    settings: RunSettings,
    methods: Sequence[Method],
    listed: Listed,
    refusing: Attempt = nullcontext,
) -> list[Job]:
    """The jobs of one model, method by method; a pair whose error `refusing` takes is left out.

    The model's files are looked for once, and only where it fits a task. `listed` collects the images of the
    tasks, so that several models share the lists.

    Raises:
        VlbenchError: as `plan_job`, or the model's files are missing, and `refusing` takes no error.
    """
    fit: list[tuple[Method, Task, Problem]] = []
    for method, task in product(methods, tasks):
        with refusing(f"{checkpoint.name} on {task.name}"):
            problem = rewritten(task, method)
            refuse_unfit(checkpoint, task, problem, method, settings)
            fit.append((method, task, problem))
    jobs: list[Job] = []
    if not fit:
        return jobs
    with refusing(checkpoint.name):
        identity = checkpoint.identify()
        for method, task, problem in fit:
            with refusing(f"{checkpoint.name} on {task.name}"):
                jobs.append(_job(checkpoint, identity, task, problem, settings, method, listed))
    return jobs


def _job(
    checkpoint: Checkpoint,
    identity: Identity,
    task: Task,
    problem: Problem,
    settings: RunSettings,
    method: Method,
    listed: Listed,
) -> Job:
    """A job with those keys that do not depend on image bytes."""
    learn_from: dict[str, Job] = {}
    for split in sorted(method.learns_from):
        of_split = task.learn_from[split]
        asked_of_split = replace(task, problem=of_split)
        learn_from[split] = _job(checkpoint, identity, asked_of_split, of_split, settings, ZERO_SHOT, listed)
    sides = (problem.candidates, problem.references)
    for each in sides:
        if isinstance(each, Dataset) and id(each) not in listed:
            listed[id(each)] = list_images(each, cache=settings.cache, verify=settings.verify_data)
    images, references = (listed.get(id(each)) for each in sides)
    words = () if isinstance(problem.candidates, Dataset) else tuple(map(text_key, problem.candidates))
    spaces = [
        space_of(identity.image, settings, settings.image_device),
        space_of(identity.text, settings, settings.device),
    ]
    texts = tuple(map(text_key, problem.texts))
    asked = task.problem.queries
    of_task = texts if problem is task.problem else tuple(map(text_key, task.problem.texts))
    metrics = {**task.metrics, **metrics_of(name for name in method.metrics if name not in task.metrics)}
    measures = [
        each for of in metrics.values() for each in (of.run, of.chance, of.constant) if each is not None
    ]
    # a task that was put together by hand is of no kind that a registry knows
    kinds = [TASK_KINDS.get(task.kind)] if task.kind in TASK_KINDS else []
    keys = Keys(
        image_space=spaces[0],
        text_space=spaces[1],
        score_space=digest_of({"model": identity.whole, "spaces": spaces, "texts": digest_of_strings(texts)}),
        images=images,
        reference_images=references,
        texts=texts,
        candidate_ids=digest_of_strings(words) if images is None else images.ids,
        queries=_of_queries(asked, of_task, "" if references is None else references.ids),
        code=digest_of_code(*kinds, *measures, cache=settings.cache),
        candidates=words,
    )
    # what is no default stands in the row's name, so that rows never mix
    marks = f"+{settings.precision}" if settings.precision != "fp32" else ""
    marks += f"+{checkpoint.preprocess_mode}" if checkpoint.preprocess_mode != "exact" else ""
    alone = not identity.replicate_of and not method.seeded
    return Job(
        checkpoint,
        identity,
        task,
        problem,
        metrics,
        row=checkpoint.name + marks + method.mark(settings.seed),
        replicate_of="" if alone else (identity.replicate_of or checkpoint.name) + marks + method.mark(),
        keys=keys,
        method=method,
        learn_from=learn_from,
        seed=settings.seed,
    )


def _stored_keys(job: Job, keys: Keys, cache: Path) -> Keys:
    """Complete the keys of a job whose images are known: those of its prediction and measurement."""
    task, problem, method = job.task, job.problem, job.method
    references = "" if keys.reference_images is None else keys.reference_images.ids
    # what reads images alone is equal of all models that share the image side: learned and scored once
    images_alone = method.reads == {"candidates"} and "score" in method.parts
    learned = [
        method.digest,
        digest_of_code("vlbench.engine.evaluate", cache=cache) if method.fit or method.rewrite else None,
        job.seed if method.seeded else None,
        {
            split: [
                digest_of_strings(each.keys.candidates) if images_alone else each.keys.prediction,
                each.keys.queries,
                each.problem.relevant.digest,
            ]
            for split, each in job.learn_from.items()
        },
    ]
    late = method.parts <= {"thresholds"} and method.rewrite is None
    asked = problem.asked
    prediction = digest_of(
        {
            "model": None if images_alone else job.identity.whole,
            "spaces": [keys.image_space] if images_alone else [keys.image_space, keys.text_space],
            "images": digest_of_strings(keys.candidates),
            "references": digest_of_strings(keys.references),
            "texts": digest_of_strings(keys.texts),
            "queries": _of_queries(problem.queries, keys.texts, references),
            "relevant": problem.relevant.digest,
            "asked": None if asked is None else [asked.how, asked.pairs.digest],
            "scoring": [task.scoring.name, digest_of_code(task.scoring.run, cache=cache)],
            # thresholds are learned of the model's own prediction, which is then shared
            "method": None if late else learned,
            "engine": digest_of_code("vlbench.engine.scoring", "vlbench.engine.sides", cache=cache),
        }
    )
    measurement = digest_of(
        {
            "prediction": prediction,
            "protocol": task.protocol.digest,
            "groups": {
                name: [each.of, digest_of_strings(each.labels)] for name, each in problem.groups.items()
            },
            "metrics": list(job.metrics),
            "primary": task.primary,
            "thresholds": task.thresholds,
            "method": learned,
            "code": keys.code,
            "engine": digest_of_code("vlbench.engine.measure", cache=cache),
            "seed": job.seed,
            "schema": SCHEMA,
        }
    )
    return replace(keys, prediction=prediction, measurement=measurement)


def _of_queries(queries: tuple[Query, ...], texts: tuple[str, ...], reference_ids: str) -> str:
    """Digest of the queries: of their words, and of their images where there are any."""
    if all(query.image is None for query in queries):
        return digest_of_strings(texts)
    words = iter(texts)
    asked = [[None if query.text is None else next(words), query.image] for query in queries]
    return digest_of([asked, reference_ids])
