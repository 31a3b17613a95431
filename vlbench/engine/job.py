"""Job: one model on one task by one method, what it reads, and the keys it is stored under."""

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
    """Keys of a job's stored features, predictions and measurements. None depends on the task's name.

    `images` lists the candidates where they are images, `reference_images` the images that queries point to.
    `texts` are the keys of the queries' words. `candidate_ids` is a digest of the candidates' names and
    `queries` one of what the task asks; no key depends on these two. The other fields are empty until the
    keys of all images are known (`located`): `candidates` [n] and `references` are keys of images or of
    texts.
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
    """One model on one task by one method.

    `row` is the model's name in results, with all non-default choices. `replicate_of` is the row of which it
    is one seed, with the same marks (`+bf16`); empty if it stands alone. `problem` is the task's, as the
    method rewrites it; `metrics` are those of task and method. `learn_from` holds the jobs for the splits
    that the method learns from, scored by the model alone. `seed` seeds all random choices.
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
        """The texts to encode, by key: candidates that are texts, and the words of queries."""
        found: dict[str, Text] = {}
        if not isinstance(self.problem.candidates, Dataset) and "candidates" in self.method.reads:
            found.update(zip(self.keys.candidates, self.problem.candidates, strict=True))
        if "queries" in self.method.reads:
            found.update(zip(self.keys.texts, self.problem.texts, strict=True))
        return found

    @property
    def pair(self) -> str:
        """The row and the task, as messages name them."""
        return f"{self.row} on {self.task.name}"

    @property
    def decides_late(self) -> bool:
        """Whether the method learns thresholds alone, so that the model's own prediction can be shared."""
        return self.method.parts == {"thresholds"}

    @property
    def by_vectors(self) -> bool:
        """Whether candidates and queries are compared as vectors instead of by the model's own score."""
        return not self.problem.by_words or bool(self.method.parts & {"compose", "score"})


@dataclass(frozen=True, slots=True)
class Use:
    """Images that a job needs, and what is stored of them.

    `beyond` tells what is stored, and under which key, where the features would exceed the budget of bytes.
    `keys` are the keys of the images, empty until the keys of the job are known. `read` tells whether the
    job's method reads the images; otherwise only their keys are needed.
    """

    job: Job
    dataset: Dataset
    images: ImageList
    keys: tuple[str, ...]
    beyond: tuple[How, str]
    read: bool


def uses(job: Job) -> Iterator[Use]:
    """The images that a job uses: candidates, references of queries, and splits that it learns from."""
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
