"""A job: one model on one task by one method, what it reads, and under which keys it is stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vlbench.core.contracts import Checkpoint, Dataset, Identity, Text
from vlbench.core.image import ImageList
from vlbench.core.method import ZERO_SHOT, Method
from vlbench.core.metric import Metric
from vlbench.core.problem import Problem
from vlbench.core.task import Task
from vlbench.engine.chunk import How


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of a job's stored features, predictions and measurements; they hold no task's name.

    `images` lists the candidates where they are images, `reference_images` the images that queries point to.
    `texts` are the keys of the queries' words. `candidate_ids` is a digest of the candidates' names,
    `queries` one of what the task asks; both are in no key. The rest is empty until the keys of all images
    are known (`located`): `candidates` [n] and `references` are keys of images or of texts.
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

    `replicate_of` is the row that it is one seed of, with the same marks (`+bf16`); empty if it is alone.
    `problem` is what the method asks of the task's, `metrics` are those of both. `learn_from` are jobs of the
    splits that it learns from, by the model alone. `seed` is that of all that is drawn.
    """

    checkpoint: Checkpoint
    identity: Identity
    task: Task
    problem: Problem
    metrics: Mapping[str, Metric]
    row: str
    replicate_of: str
    keys: Keys
    method: Method = ZERO_SHOT
    learn_from: Mapping[str, "Job"] = field(default_factory=dict)
    seed: int = 0

    @property
    def words(self) -> Mapping[str, Text]:
        """The texts to encode, by their keys: candidates that are texts, and the words of queries."""
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
        """Whether candidates and queries are compared as vectors, not by the model's own score."""
        return not self.problem.by_words or bool(self.method.parts & {"compose", "score"})


@dataclass(frozen=True, slots=True)
class Use:
    """Images that a job needs, and how they are stored.

    `beyond` says what is stored, under which key, where features would need more bytes than the budget.
    `keys` are those of the images, empty until the keys of the job are known. `read` says whether the job's
    method reads the images; else only their keys are needed.
    """

    job: Job
    dataset: Dataset
    images: ImageList
    keys: tuple[str, ...]
    beyond: tuple[How, str]
    read: bool


def uses(job: Job) -> Iterator[Use]:
    """The images of a job: candidates, those that queries point to, those that it learns from."""
    problem, keys, reads = job.problem, job.keys, job.method.reads
    scores: tuple[How, str] = ("scores", keys.score_space)
    vectors: tuple[How, str] = ("vectors", keys.image_space)
    if isinstance(problem.candidates, Dataset) and keys.images is not None:
        beyond = vectors if job.by_vectors or not job.task.scoring.scores else scores
        yield Use(job, problem.candidates, keys.images, keys.candidates, beyond, "candidates" in reads)
    if problem.references is not None and keys.reference_images is not None:
        yield Use(
            job, problem.references, keys.reference_images, keys.references, vectors, "queries" in reads
        )
    for split in job.learn_from.values():
        keys = split.keys
        assert keys.images is not None
        beyond = ("scores", keys.score_space) if job.decides_late else ("vectors", keys.image_space)
        yield Use(split, split.problem.images, keys.images, keys.candidates, beyond, read=True)
