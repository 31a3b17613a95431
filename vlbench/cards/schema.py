"""The fields of cards as pydantic models; unknown fields are refused."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from vlbench.core.outside_name import wrong_path


def _inside(path: str) -> str:
    if wrong := wrong_path(path):
        raise PydanticCustomError("path", "{wrong}", {"wrong": wrong})
    return path


Word = Annotated[str, Field(min_length=1)]
InnerFile = Annotated[Word, AfterValidator(_inside)]
"""A file beside the card, or below a data root."""
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(gt=0)]


class Fields(BaseModel):
    """A mapping in a card, without unknown fields and without type conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Paper(Fields):
    """The paper of a model or data set."""

    title: Word
    arxiv: (
        Annotated[str, Field(pattern=r"^(\d{4}\.\d{4,5}|[a-z.-]+/\d{7})$", description="quoted")] | None
    ) = None
    url: Word | None = None


class SourceFields(Fields):
    """One place for the data: the registry name of a source, and its options."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[Word, Field(description="a source (`vlbench list sources`)")]

    @property
    def options(self) -> dict[str, object]:
        """The options of the source, as the card states them."""
        return dict(self.model_extra or {})


Sources = Annotated[
    tuple[SourceFields, ...], Field(min_length=1, description="tried in order, local ones first")
]


class Counts(Fields):
    """How many images and texts the whole task has. They are checked before any work."""

    images: Count | None = None
    texts: Count | None = None


class PublishedFile(Fields):
    """The published file: facts to check a download against."""

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


class Validation(Fields):
    """The sources of a task's labelled validation images, from which methods learn; no test images."""

    sources: Sources
    split: Annotated[str, Field(description="the split's name")] = "val"
    images: Annotated[Count | None, Field(description="the number of images; checked before any work")] = None


class Training(Validation):
    """The sources of a task's labelled training images, for `vlbench fit` and methods that learn."""

    split: Annotated[str, Field(description="the split's name")] = "train"
    epochs: Annotated[
        Count | None, Field(description="epochs of CoOp, if they are the same for every number of shots")
    ] = None


class TaskCard(Fields):
    """A task: the question, its texts, its protocol, and where its data may be."""

    title: Annotated[Word, Field(description="the usual name")]
    kind: Annotated[Word, Field(description="a task kind, such as classification")]
    protocol: Annotated[Word, Field(description="the protocol's name, such as openai-80")]
    sources: Sources
    metrics: Annotated[tuple[Word, ...], Field(min_length=1, description="such as acc1 or recall@5")]
    primary: Annotated[Word, Field(description="the metric of the leaderboard's column")]
    names: Annotated[
        InnerFile | None,
        Field(
            description="a TSV next to the card or under a data root: `name`, then vocabularies of ids; "
            "or CLIP_benchmark's JSON"
        ),
    ] = None
    templates: Annotated[
        InnerFile | None,
        Field(
            description="a text file next to the card or under a data root: one template with {} per line; "
            "or CLIP_benchmark's JSON"
        ),
    ] = None
    ids: Annotated[
        InnerFile | None, Field(description="a TSV next to the card with the ids of the names, line by line")
    ] = None
    descriptions: Annotated[
        InnerFile | None,
        Field(description="a JSON file under a data root or next to the card: {name: [sentences]}"),
    ] = None
    extends: Annotated[
        Word | None,
        Field(description="a card in the same folder, whose fields are the defaults of this card"),
    ] = None
    aliases: Annotated[tuple[Word, ...], Field(description="names of other tools for it")] = ()
    data: Annotated[
        tuple[Word, ...],
        Field(description="data sets; a model trained on one of them is not zero-shot here"),
    ] = ()
    expect: Annotated[Counts, Field(description="images and texts of the whole task")] = Counts()
    settings: Annotated[dict[str, object], Field(description="settings of the task kind")] = {}
    split: Annotated[str, Field(description="the split, part of the protocol")] = ""
    unread: Annotated[
        dict[Word, Word],
        Field(description="known copies that the task cannot be read from: what each is; what to do"),
    ] = {}
    train: Annotated[
        Training | None, Field(description="the training split, for `vlbench fit` and methods")
    ] = None
    validation: Annotated[
        Validation | None, Field(description="the validation split, for methods that learn from one")
    ] = None
    about: Annotated[str, Field(description="what a user should know")] = ""
    licence: Annotated[str, Field(description="licence of the data")] = ""
    paper: Annotated[Paper | None, Field(description="title, arxiv (quoted) or url")] = None


class ModelCard(Fields):
    """A model: the adapter that runs it, its settings, its facts, its published scores."""

    title: Annotated[Word, Field(description="the usual name")]
    adapter: Annotated[Word, Field(description="an adapter, such as clip")]
    settings: Annotated[dict[str, object], Field(description="settings of the adapter")] = {}
    family: Annotated[str, Field(description="who trained the weights, such as openai or laion")] = ""
    aliases: Annotated[tuple[Word, ...], Field(description="other names for it")] = ()
    trained_on: Annotated[
        tuple[Word, ...] | None,
        Field(description="all data sets that the weights were trained or tuned on; unknown if left out"),
    ] = None
    tuned_on: Annotated[
        tuple[Word, ...],
        Field(description="data sets that the weights were trained on, if others are unknown"),
    ] = ()
    about: Annotated[str, Field(description="what a user should know")] = ""
    licence: Annotated[str, Field(description="licence of the weights")] = ""
    paper: Annotated[Paper | None, Field(description="title, arxiv (quoted) or url")] = None
    parameters: Annotated[Amount | None, Field(description="millions of parameters, both sides")] = None
    image_size: Annotated[Count | None, Field(description="side of the image in pixels")] = None
    gflops: Annotated[Amount | None, Field(description="GFLOPs of the image side, per image")] = None
    weights: Annotated[PublishedFile | None, Field(description="repo, file, sha256, size_mb")] = None
    published: Annotated[
        tuple[Published, ...],
        Field(description="task, protocol, metric, value (a fraction), source, verified"),
    ] = ()
