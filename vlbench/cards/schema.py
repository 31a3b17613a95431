"""Cards and options of plug-ins as pydantic models. Unknown fields are refused; errors are told at once."""

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails, PydanticCustomError

from vlbench.core.errors import PluginError
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

PlugIn = Callable[..., object]
Location = tuple[str | int, ...]


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


def check_options(
    plug_in: PlugIn, options: Mapping[str, object], at: Location = ()
) -> tuple[dict[str, Any], list[str]]:
    """Options from a card as the plug-in takes them, and what is wrong with them. One of the two is empty.

    Raises:
        PluginError: a card cannot fill the types of its annotations.
    """
    signature = signature_of(plug_in)
    names = {field: str(about.alias) for field, about in signature.model_fields.items()}
    try:
        # as JSON a list is a tuple where one is wanted, and still no number is a string
        filled = signature.model_validate_json(json.dumps(options, default=str))
    except ValidationError as error:
        return {}, problems_of(error, options, known=tuple(names.values()), at=at)
    values = {names[field]: getattr(filled, field) for field in names if field in filled.model_fields_set}
    return {**values, **(filled.model_extra or {})}, []


def option_names(plug_in: PlugIn) -> tuple[str, ...]:
    """The names of the options in a plug-in's signature."""
    return tuple(str(about.alias) for about in signature_of(plug_in).model_fields.values())


def option_schema(plug_in: PlugIn) -> dict[str, Any]:
    """The JSON Schema of a plug-in's options."""
    return signature_of(plug_in).model_json_schema(mode="validation")


@lru_cache(maxsize=256)
def signature_of(plug_in: PlugIn) -> type[BaseModel]:
    """A plug-in's keyword-only parameters as a pydantic model; `**options` allows any further ones.

    The aliases of its fields are the names of the options.

    Raises:
        PluginError: a card cannot fill the types of its annotations.
    """
    parameters = inspect.signature(plug_in).parameters.values()
    keywords = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    is_open = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    label = f"{getattr(plug_in, '__module__', '?')}.{getattr(plug_in, '__qualname__', plug_in)}"
    try:
        annotated = plug_in.__init__ if inspect.isclass(plug_in) else inspect.unwrap(plug_in)
        hints = typing.get_type_hints(annotated, include_extras=True)
        # aliased, since an option may be called `copy` or `schema` as a pydantic attribute is
        fields: dict[str, Any] = {
            f"option_{position}": (
                hints.get(each.name, object),
                Field(... if each.default is inspect.Parameter.empty else each.default, alias=each.name),
            )
            for position, each in enumerate(keywords)
        }
        return create_model(
            f"options of {label}",
            __config__=ConfigDict(
                extra="allow" if is_open else "forbid", strict=True, allow_inf_nan=False, title=label
            ),
            **fields,
        )
    except (NameError, PydanticUserError) as error:
        reason = " ".join(str(error).split())
        raise PluginError(f"{label}: its options are not annotated with plain types: {reason}") from error


def problems_of(
    error: ValidationError, data: Mapping[str, object], *, known: tuple[str, ...], at: Location = ()
) -> list[str]:
    """The errors of pydantic in a card's terms: `sources.0.path: field required`.

    `known` are the fields of the data. A union whose types all fail is one problem.
    """
    messages: dict[Location, dict[str, None]] = {}
    for details in error.errors(include_url=False):
        place = (*at, *_place(details["loc"], data))
        messages.setdefault(place, {})[_message(details, known)] = None
    told = ((".".join(map(str, place)), " or ".join(each)) for place, each in messages.items())
    return [f"{place}: {message}" if place else message for place, message in told]


def _place(location: Location, data: object) -> Location:
    """The keys and positions in a location, without the names of a union's types, which are not in the
    data."""
    place: list[str | int] = []
    for part in location:
        if isinstance(data, Mapping) and isinstance(part, str):
            place.append(part)
            data = data.get(part)
        elif isinstance(data, list | tuple) and isinstance(part, int):
            place.append(part)
            data = data[part] if part < len(data) else None
    return tuple(place)


def _message(details: ErrorDetails, known: tuple[str, ...]) -> str:
    if details["type"] == "missing":
        return "field required"
    if details["type"] == "extra_forbidden":
        if len(details["loc"]) > 1:
            return "unknown field"
        close = get_close_matches(str(details["loc"][-1]), known, n=3, cutoff=0.6)
        if close:
            return f"unknown field; did you mean {', '.join(close)}?"
        return f"unknown field; known: {', '.join(known)}" if known else "unknown field; none is taken"
    message = details["msg"][:1].lower() + details["msg"][1:]
    given = details["input"]
    return f"{message}, not {given!r}" if isinstance(given, str | int | float | None) else message
