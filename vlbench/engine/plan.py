"""What a request needs: a job for each model, method and task, under keys made of content; without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Dataset, Identity, Text
from vlbench.core.digest import digest_of, digest_of_code, digest_of_modules, digest_of_strings
from vlbench.core.errors import Unsupported
from vlbench.core.image_key import ImageList, known_keys, list_images
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.metric import Metric
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem, Query
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import SCHEMA
from vlbench.core.task import Task
from vlbench.engine.refusal import refuse_unfit
from vlbench.engine.settings import RunSettings

Listed = dict[int, ImageList | None]
"""Images by the `id` of their data set."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a job's features, predictions and measurements are stored; no task name is in any of them.

    `images` and `reference_images` list the candidates, where they are images, and the images that queries
    point to; `texts` are the keys of the queries' words. `candidate_ids` is a digest of the candidates' names
    and `queries` one of what the task asks, which are in no key. The rest is empty until the keys of all
    images are known (`located`): `candidates` [n] and `references` are those of images or of texts.
    """

    image_space: str
    text_space: str
    score_space: str
    images: ImageList | None
    reference_images: ImageList | None
    texts: tuple[str, ...]
    candidate_ids: str
    queries: str
    code: str
    candidates: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    prediction: str = ""
    measurement: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One model on one task by one method; `row` is the model's name in results, with what is no default.

    `problem` is what the method asks of the task's. `learn_from` are jobs of the splits that it learns from,
    by the model alone. `seed` is that of all that is drawn.
    """

    checkpoint: Checkpoint
    identity: Identity
    task: Task
    problem: Problem
    row: str
    keys: Keys
    method: Method = ZERO_SHOT
    learn_from: Mapping[str, "Job"] = field(default_factory=dict)
    seed: int = 0

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The task's metrics, and those of the method beside them."""
        more = [name for name in self.method.metrics if name not in self.task.metrics]
        return {**self.task.metrics, **metrics_of(more)}

    @property
    def words(self) -> Mapping[str, Text]:
        """The texts that are encoded, by their keys: candidates that are texts, words of queries."""
        found: dict[str, Text] = {}
        if not isinstance(self.problem.candidates, Dataset) and "candidates" in self.method.reads:
            found.update(zip(self.keys.candidates, self.problem.candidates, strict=True))
        if "queries" in self.method.reads:
            found.update(zip(self.keys.texts, self.problem.texts, strict=True))
        return found

    @property
    def decides_late(self) -> bool:
        """Whether the method learns thresholds alone, so that the model's own prediction is shared."""
        return self.method.parts == {"thresholds"}

    @property
    def by_vectors(self) -> bool:
        """Whether candidates and queries meet as vectors of one space, not in the model's own score."""
        return not self.problem.by_words or bool(self.method.parts & {"compose", "score"})


def plan_job(
    checkpoint: Checkpoint,
    task: Task,
    settings: RunSettings,
    identity: Identity | None = None,
    method: Method = ZERO_SHOT,
    listed: Listed | None = None,
) -> Job:
    """Refuse what cannot work and compute the keys that are known before any image is.

    `identity` is the checkpoint's, and `listed` has images by their data sets' `id`, where several jobs are
    planned and each was asked for once.

    Raises:
        Unsupported: a metric reads what the task does not keep or does not suit its question, the method does
            not suit the task, the model lacks what they need, or the device lacks the precision.
    """
    problem = task.problem if method.rewrite is None else method.rewrite(task.problem)
    refuse_unfit(checkpoint, task, problem, method, settings)
    identity = identity or checkpoint.identify()
    return _job(checkpoint, identity, task, problem, settings, method, {} if listed is None else listed)


def with_texts(job: Job, task: Task, settings: RunSettings) -> Job:
    """A job about the same images with a task that asks other texts; the images are not listed again."""
    problem, known = task.problem, job.keys
    listed = {id(problem.candidates): known.images, id(problem.references): known.reference_images}
    keys = _keys(job.identity, task, task.problem, settings, job.method, listed)
    return replace(job, task=task, problem=task.problem, keys=keys)


def located(job: Job, cache: Path) -> Job | None:
    """A job with all of its keys; None where an image has to be read before its key is known."""
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
    return replace(known, keys=_stored_keys(known, keys))


def row_name(checkpoint: Checkpoint, settings: RunSettings, method: Method = ZERO_SHOT) -> str:
    """The model's name in results: what is not the default is part of it, so rows never mix."""
    marks: list[str] = [settings.precision] if settings.precision != "fp32" else []
    marks += [checkpoint.preprocess_mode] if checkpoint.preprocess_mode != "exact" else []
    return "+".join([checkpoint.name, *marks]) + method.mark(settings.seed)


def seeds_row(job: Job) -> str:
    """The row that a job is one seed of, with its marks (`+bf16`): rows never mix; empty if it is alone."""
    base = job.identity.replicate_of
    if not base and not job.method.seeded:
        return ""
    marks = job.row.removeprefix(job.checkpoint.name)
    if job.method.seeded:
        marks = marks.removesuffix(f".s{job.seed}")
    return (base or job.checkpoint.name) + marks


def text_key(text: Text) -> str:
    """The key of a text: everything a model may use of it."""
    return digest_of([text.name, text.prompts, text.descriptions, dict(text.ids)])


def image_space(identity: Identity, settings: RunSettings) -> str:
    """Where a model's image features are stored, by everything that decides them."""
    return _space(identity.image, settings)


def _space(side: str, settings: RunSettings) -> str:
    place = {"precision": settings.precision, "device": settings.device.partition(":")[0]}
    return digest_of({"side": side, **place})


def plan_jobs(
    checkpoint: Checkpoint, tasks: Sequence[Task], settings: RunSettings, method: Method, listed: Listed
) -> tuple[list[Job], list[str]]:
    """The jobs of one model, which is identified once, and why other tasks of it cannot be.

    `listed` takes the images of the tasks, so that those of several models are listed once.
    """
    jobs: list[Job] = []
    reasons: list[str] = []
    for task in tasks:
        identity = jobs[0].identity if jobs else None
        try:
            jobs.append(plan_job(checkpoint, task, settings, identity, method, listed))
        except Unsupported as error:
            reasons.append(str(error))
    return jobs, reasons


def _job(
    checkpoint: Checkpoint,
    identity: Identity,
    task: Task,
    problem: Problem,
    settings: RunSettings,
    method: Method,
    listed: Listed,
) -> Job:
    learn_from: dict[str, Job] = {}
    for split in sorted(method.learns_from):
        of_split = task.learn_from[split]
        asked = replace(task, problem=of_split)
        learn_from[split] = _job(checkpoint, identity, asked, of_split, settings, ZERO_SHOT, listed)
    keys = _keys(identity, task, problem, settings, method, listed)
    row = row_name(checkpoint, settings, method)
    return Job(checkpoint, identity, task, problem, row, keys, method, learn_from, settings.seed)


def _listed(dataset: object, settings: RunSettings, listed: Listed) -> ImageList | None:
    """The images of a data set, listed once; None of what is none."""
    if not isinstance(dataset, Dataset):
        return None
    if id(dataset) not in listed:
        listed[id(dataset)] = list_images(dataset, cache=settings.cache, verify=settings.verify_data)
    return listed[id(dataset)]


def _keys(
    identity: Identity,
    task: Task,
    problem: Problem,
    settings: RunSettings,
    method: Method,
    listed: Listed,
) -> Keys:
    """The keys of a job, as far as they are known before any image is."""
    images = _listed(problem.candidates, settings, listed)
    references = _listed(problem.references, settings, listed)
    words = () if isinstance(problem.candidates, Dataset) else tuple(map(text_key, problem.candidates))
    spaces = [image_space(identity, settings), _space(identity.text, settings)]
    texts = tuple(map(text_key, problem.texts))
    asked = task.problem.queries
    of_task = texts if problem is task.problem else tuple(map(text_key, task.problem.texts))
    metrics = {**task.metrics, **metrics_of(method.metrics)}
    # a task that was put together by hand is of no kind that a registry knows
    kinds = [TASK_KINDS.get(task.kind)] if task.kind in TASK_KINDS else []
    return Keys(
        image_space=spaces[0],
        text_space=spaces[1],
        score_space=digest_of({"model": identity.whole, "spaces": spaces, "texts": digest_of_strings(texts)}),
        images=images,
        reference_images=references,
        texts=texts,
        candidate_ids=digest_of_strings(words) if images is None else images.ids,
        queries=_of_queries(asked, of_task, "" if references is None else references.ids),
        code=digest_of_code(*kinds, *(metric.run for metric in metrics.values())),
        candidates=words,
    )


def _stored_keys(job: Job, keys: Keys) -> Keys:
    """The keys of a job whose images are known, with those of its prediction and its measurement."""
    task, problem, method = job.task, job.problem, job.method
    references = "" if keys.reference_images is None else keys.reference_images.ids
    learned = [
        method.digest,
        digest_of_code(*method.functions),  # of what its own modules call, too
        job.seed if method.seeded else None,
        {
            split: [each.keys.prediction, each.keys.queries, each.problem.relevant.digest]
            for split, each in job.learn_from.items()
        },
    ]
    late = method.parts <= {"thresholds"} and method.rewrite is None
    asked = problem.asked
    prediction = digest_of(
        {
            "model": job.identity.whole,
            "spaces": [keys.image_space, keys.text_space],
            "images": digest_of_strings(keys.candidates),
            "references": digest_of_strings(keys.references),
            "texts": digest_of_strings(keys.texts),
            "queries": _of_queries(problem.queries, keys.texts, references),
            "relevant": problem.relevant.digest,
            "asked": None if asked is None else [asked.how, asked.pairs.digest],
            "scoring": [task.scoring.name, digest_of_code(task.scoring.run)],
            # thresholds are learned of the model's own prediction, which is then shared
            "method": None if late else learned,
            "engine": digest_of_modules(*Path(__file__).parent.rglob("*.py")),
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
            "seed": job.seed,
            "schema": SCHEMA,
        }
    )
    return replace(keys, prediction=prediction, measurement=measurement)


def _of_queries(queries: tuple[Query, ...], texts: tuple[str, ...], reference_ids: str) -> str:
    """Digest of what is asked: of the words, and of the images where there are any."""
    if all(query.image is None for query in queries):
        return digest_of_strings(texts)
    words = iter(texts)
    asked = [[None if query.text is None else next(words), query.image] for query in queries]
    return digest_of([asked, reference_ids])
