"""Task and model cards as pydantic models: unknown fields refused, all errors told at once."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from vlbench.cards.threshold_file import stated_number
from vlbench.core.result import ZeroShot

Word = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(gt=0)]

Facts = Mapping[str, str | int | float]
"""What a model's card states and a leaderboard shows."""

_FACTS = ("family", "parameters", "gflops", "image_size", "licence")


class Fields(BaseModel):
    """A mapping in a card: no further fields, no guessed types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Paper(Fields):
    """Where a model or data set was published."""

    title: Word
    arxiv: (
        Annotated[str, Field(pattern=r"^(\d{4}\.\d{4,5}|[a-z.-]+/\d{7})$", description="quoted")] | None
    ) = None
    url: Word | None = None


class SourceFields(Fields):
    """One place for the data: a source's registry name, and the options that source takes."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[Word, Field(description="a source (`vlbench list sources`)")]

    @property
    def options(self) -> dict[str, object]:
        """The source's own options, as the card states them."""
        return dict(self.model_extra or {})


class Counts(Fields):
    """How many images and texts the whole task has; checked before any work."""

    images: Count | None = None
    texts: Count | None = None


class Weights(Fields):
    """The published file: facts to hold a download against."""

    repo: Word
    file: Word | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    size_mb: Amount | None = None


class Published(Fields):
    """A published score of the model; `value` is a fraction."""

    task: Word
    protocol: Word
    metric: Word
    value: Fraction
    source: Annotated[Word, Field(description="the paper and table, or the file, that states it")]
    verified: Annotated[bool, Field(description="seen in that source, not quoted from memory")]


class Training(Fields):
    """Where a task's labelled training images lie, for `vlbench fit` and methods that learn from them."""

    sources: Annotated[
        tuple[SourceFields, ...], Field(min_length=1, description="tried in order, local ones first")
    ]
    split: Annotated[str, Field(description="the split's name")] = "train"
    epochs: Annotated[
        Count | None, Field(description="of CoOp, where they are the same for every number of shots")
    ] = None


class Validation(Fields):
    """Where a task's labelled validation images lie, for methods that learn from them; no test images."""

    sources: Annotated[
        tuple[SourceFields, ...], Field(min_length=1, description="tried in order, local ones first")
    ]
    split: Annotated[str, Field(description="the split's name")] = "val"


class TaskCard(Fields):
    """A task: the question, its texts, its protocol, and where its data may lie."""

    title: Annotated[Word, Field(description="what people call it")]
    kind: Annotated[Word, Field(description="a task kind, such as classification")]
    protocol: Annotated[Word, Field(description="the protocol's name, such as openai-80")]
    sources: Annotated[
        tuple[SourceFields, ...], Field(min_length=1, description="tried in order, local ones first")
    ]
    metrics: Annotated[tuple[Word, ...], Field(min_length=1, description="such as acc1 or recall@5")]
    primary: Annotated[Word, Field(description="the metric of the leaderboard's column")]
    names: Annotated[
        Word | None,
        Field(
            description="a TSV beside the card or under a data root: `name`, then vocabularies of ids; "
            "or CLIP_benchmark's JSON"
        ),
    ] = None
    templates: Annotated[
        Word | None,
        Field(
            description="a text file beside the card or under a data root: one template with {} a line; "
            "or CLIP_benchmark's JSON"
        ),
    ] = None
    ids: Annotated[
        Word | None, Field(description="a TSV beside the card whose ids the names take, line by line")
    ] = None
    descriptions: Annotated[
        Word | None,
        Field(description="a JSON file under a data root or beside the card: {name: [sentences]}"),
    ] = None
    extends: Annotated[
        Word | None, Field(description="a card of the same folder whose fields stand where this has none")
    ] = None
    aliases: Annotated[tuple[Word, ...], Field(description="other tools' names for it")] = ()
    data: Annotated[
        tuple[Word, ...],
        Field(description="data sets whose training split makes a model no longer zero-shot here"),
    ] = ()
    expect: Annotated[Counts, Field(description="images and texts of the whole task")] = Counts()
    settings: Annotated[dict[str, object], Field(description="settings of the task kind")] = {}
    split: Annotated[str, Field(description="the split, part of the protocol")] = ""
    train: Annotated[
        Training | None, Field(description="the training split, for `vlbench fit` and methods")
    ] = None
    validation: Annotated[
        Validation | None, Field(description="the validation split, for methods that learn from one")
    ] = None
    about: Annotated[str, Field(description="what a user has to know")] = ""
    licence: Annotated[str, Field(description="of the data")] = ""
    paper: Annotated[Paper | None, Field(description="title, arxiv (quoted) or url")] = None


class ModelCard(Fields):
    """A model: the adapter that runs it, its settings, its facts, its published scores."""

    title: Annotated[Word, Field(description="what people call it")]
    adapter: Annotated[Word, Field(description="an adapter, such as clip")]
    settings: Annotated[dict[str, object], Field(description="settings of the adapter")] = {}
    family: Annotated[str, Field(description="whose weights, such as openai or laion")] = ""
    aliases: Annotated[tuple[Word, ...], Field(description="other names for it")] = ()
    trained_on: Annotated[
        tuple[Word, ...] | None,
        Field(description="data sets that the weights saw, training and tuning; left out: unknown"),
    ] = None
    tuned_on: Annotated[
        tuple[Word, ...], Field(description="data sets that the weights saw, where others are unknown")
    ] = ()
    about: Annotated[str, Field(description="what a user has to know")] = ""
    licence: Annotated[str, Field(description="of the weights")] = ""
    paper: Annotated[Paper | None, Field(description="title, arxiv (quoted) or url")] = None
    parameters: Annotated[Amount | None, Field(description="millions, both sides")] = None
    image_size: Annotated[Count | None, Field(description="pixels of the image's side")] = None
    gflops: Annotated[Amount | None, Field(description="of the image side, for one image")] = None
    weights: Annotated[Weights | None, Field(description="repo, file, sha256, size_mb")] = None
    published: Annotated[
        tuple[Published, ...],
        Field(description="task, protocol, metric, value (a fraction), source, verified"),
    ] = ()


class CollectionCard(Fields):
    """Tasks that a tool or paper reports together."""

    title: Annotated[Word, Field(description="what people call it")]
    tasks: Annotated[tuple[Word, ...], Field(min_length=1, description="names of task cards")]
    metrics: Annotated[
        dict[Word, Word | tuple[Word, ...]],
        Field(
            description="of a task, what the collection averages in place of its primary metric: a metric, "
            "several whose mean counts, or none ([]), which leaves it out of the average"
        ),
    ] = {}
    about: Annotated[str, Field(description="what a user has to know")] = ""
    source: Annotated[str, Field(description="where the list is stated")] = ""


def zero_shot(model: ModelCard | None, task: TaskCard | None, thresholds: str | None = None) -> ZeroShot:
    """Whether a model saw none of the data sets that a task tests: unknown where a card does not say.

    A file of `thresholds` does not say which images they were chosen on.
    """
    if model is None or task is None or not task.data:
        return "unknown"
    if {*(model.trained_on or ()), *model.tuned_on} & set(task.data):
        return "no"
    told = thresholds is None or stated_number(thresholds) is not None
    return "unknown" if model.trained_on is None or model.tuned_on or not told else "yes"


def facts_of(model: ModelCard | None) -> Facts:
    """What a leaderboard shows of a model's card; what the card leaves out is left out."""
    if model is None:
        return {}
    stated = {field: getattr(model, field) for field in _FACTS}
    return {field: value for field, value in stated.items() if value not in (None, "")}
