"""What a request needs: a job for each model, method and task, under keys made of content; without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlbench.core.contracts import Checkpoint, Dataset, Identity, Text
from vlbench.core.digest import digest_of, digest_of_code, digest_of_modules, digest_of_strings
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.metric import Metric
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem, Query
from vlbench.core.registry import TASK_KINDS
from vlbench.core.result import SCHEMA
from vlbench.core.task import Task
from vlbench.engine.refusal import refuse_unfit
from vlbench.engine.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a job's features, predictions and measurements are stored; no task name is in any of them.

    `candidates` [n] are keys of images or of texts, `references` those of images that queries point to,
    `texts` those of the queries' words. `candidate_ids` is a digest of the candidates' names and `queries`
    one of what the task asks, which are in no key.
    """

    image_space: str
    text_space: str
    score_space: str
    candidates: tuple[str, ...]
    candidate_ids: str
    references: tuple[str, ...]
    texts: tuple[str, ...]
    queries: str
    code: str
    prediction: str
    measurement: str


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
) -> Job:
    """Refuse what cannot work and compute the keys.

    `identity` is the checkpoint's, where several of its jobs are planned and it was asked for once.

    Raises:
        Unsupported: a metric reads what the task does not keep or does not suit its question, the method does
            not suit the task, the model lacks what they need, or the device lacks the precision.
    """
    problem = task.problem if method.rewrite is None else method.rewrite(task.problem)
    refuse_unfit(checkpoint, task, problem, method, settings)
    return _job(checkpoint, identity or checkpoint.identify(), task, problem, settings, method)


def with_texts(job: Job, task: Task, settings: RunSettings) -> Job:
    """A job about the same images with a task that asks other texts; the images' keys are taken over."""
    known = job.keys.candidates, job.keys.candidate_ids
    keys = _keys(job.identity, task, task.problem, settings, job.method, job.learn_from, known)
    return replace(job, task=task, problem=task.problem, keys=keys)


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


def _of_candidates(problem: Problem) -> tuple[tuple[str, ...], str]:
    if isinstance(problem.candidates, Dataset):
        return _of_images(problem.candidates)
    keys = tuple(map(text_key, problem.candidates))
    return keys, digest_of_strings(keys)


def _space(side: str, settings: RunSettings) -> str:
    place = {"precision": settings.precision, "device": settings.device.partition(":")[0]}
    return digest_of({"side": side, **place})


def plan_jobs(
    checkpoint: Checkpoint, tasks: Sequence[Task], settings: RunSettings, method: Method
) -> tuple[list[Job], list[str]]:
    """The jobs of one model, which is identified once, and why other tasks of it cannot be."""
    jobs: list[Job] = []
    reasons: list[str] = []
    for task in tasks:
        try:
            jobs.append(plan_job(checkpoint, task, settings, jobs[0].identity if jobs else None, method))
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
) -> Job:
    learn_from: dict[str, Job] = {}
    for split in sorted(method.learns_from):
        of_split = task.learn_from[split]
        asked = replace(task, problem=of_split)
        learn_from[split] = _job(checkpoint, identity, asked, of_split, settings, ZERO_SHOT)
    keys = _keys(identity, task, problem, settings, method, learn_from, _of_candidates(problem))
    row = row_name(checkpoint, settings, method)
    return Job(checkpoint, identity, task, problem, row, keys, method, learn_from, settings.seed)


def _keys(
    identity: Identity,
    task: Task,
    problem: Problem,
    settings: RunSettings,
    method: Method,
    learn_from: Mapping[str, Job],
    of_candidates: tuple[tuple[str, ...], str],
) -> Keys:
    candidates, candidate_ids = of_candidates
    references, reference_ids = ((), "") if problem.references is None else _of_images(problem.references)
    spaces = [image_space(identity, settings), _space(identity.text, settings)]
    texts = tuple(map(text_key, problem.texts))
    queries = asked_queries = _of_queries(problem.queries, texts, reference_ids)
    if problem is not task.problem:
        words = tuple(map(text_key, task.problem.texts))
        asked_queries = _of_queries(task.problem.queries, words, reference_ids)
    score_space = digest_of({"model": identity.whole, "spaces": spaces, "texts": digest_of_strings(texts)})
    learned = [
        method.digest,
        digest_of_code(*method.functions),  # of what its own modules call, too
        settings.seed if method.seeded else None,
        {
            split: [each.keys.prediction, each.keys.queries, each.problem.relevant.digest]
            for split, each in learn_from.items()
        },
    ]
    late = method.parts <= {"thresholds"} and method.rewrite is None
    asked = problem.asked
    prediction = digest_of(
        {
            "model": identity.whole,
            "spaces": spaces,
            "images": digest_of_strings(candidates),
            "references": digest_of_strings(references),
            "texts": digest_of_strings(texts),
            "queries": queries,
            "relevant": problem.relevant.digest,
            "asked": None if asked is None else [asked.how, asked.pairs.digest],
            "scoring": [task.scoring.name, digest_of_code(task.scoring.run)],
            # thresholds are learned of the model's own prediction, which is then shared
            "method": None if late else learned,
            "engine": digest_of_modules(*Path(__file__).parent.glob("*.py")),
        }
    )
    metrics = {**task.metrics, **metrics_of(method.metrics)}
    # a task that was put together by hand is of no kind that a registry knows
    kinds = [TASK_KINDS.get(task.kind)] if task.kind in TASK_KINDS else []
    code = digest_of_code(*kinds, *(metric.run for metric in metrics.values()))
    measurement = digest_of(
        {
            "prediction": prediction,
            "protocol": task.protocol.digest,
            "groups": {
                name: [each.of, digest_of_strings(each.labels)] for name, each in problem.groups.items()
            },
            "metrics": list(metrics),
            "primary": task.primary,
            "thresholds": task.thresholds,
            "method": learned,
            "code": code,
            "seed": settings.seed,
            "schema": SCHEMA,
        }
    )
    return Keys(
        image_space=spaces[0],
        text_space=spaces[1],
        score_space=score_space,
        candidates=candidates,
        candidate_ids=candidate_ids,
        references=references,
        texts=texts,
        queries=asked_queries,
        code=code,
        prediction=prediction,
        measurement=measurement,
    )


def _of_queries(queries: tuple[Query, ...], texts: tuple[str, ...], reference_ids: str) -> str:
    """Digest of what is asked: of the words, and of the images where there are any."""
    if all(query.image is None for query in queries):
        return digest_of_strings(texts)
    words = iter(texts)
    asked = [[None if query.text is None else next(words), query.image] for query in queries]
    return digest_of([asked, reference_ids])
