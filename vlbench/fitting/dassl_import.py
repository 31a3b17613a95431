"""Imports a context that CoOp's own code learned, as a context file and a model card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vlbench.cards.build import open_model, open_task
from vlbench.cards.card_file import parse_card, read_card
from vlbench.cards.catalogue import Catalogue, find
from vlbench.cards.class_half import half_classes
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import RESERVED, Entry
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import read_classnames, read_names
from vlbench.core.contracts import Checkpoint, Placement, Text
from vlbench.core.errors import CardError, VlbenchError, WeightsError
from vlbench.core.files import write_atomically
from vlbench.fitting.seen import seen_after
from vlbench.models.coop.checkpoint import card_text
from vlbench.models.coop.context import ContextFacts, Position, write_context
from vlbench.models.coop.dassl import DasslContext, check_words, dassl_file, directory_facts, read_dassl
from vlbench.models.coop.loading import Context, check_fits, context_tower, known_digest

FOLDER = Path("fitted")
"""The default folder for context files and their cards."""

_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What to import and what is known about it; None where the directory's name or files may tell.

    `directory` is Dassl's output directory, `base` the model it was trained on; `epoch` selects a file in the
    directory. `task` or `classnames` (a file) state the classes in their training order.
    """

    directory: Path
    base: str
    position: Position | None = None
    task: str | None = None
    classnames: Path | None = None
    shots: int | None = None
    seed: int | None = None
    epoch: int | None = None
    out: Path | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedContext:
    """The result of an import: the model's name, its context file and its card; `read` is Dassl's file.

    `unchecked` tells why the context was not checked against its base; empty if it was. `changes` lists what
    was converted, or does not match the names.
    """

    name: str
    context: Path
    card: Path
    read: Path
    unchecked: str = ""
    changes: tuple[str, ...] = ()


def import_coop(request: ImportRequest, catalogue: Catalogue, data: DataRequest) -> ImportedContext:
    """Read the context in a Dassl directory and write it as a context file with a card.

    Raises:
        WeightsError: there is no context, reading it would run code, or it does not fit the base.
        VlbenchError: the base, the task or the classes are unknown or do not fit.
    """
    named = open_model(request.base, catalogue, cache=data.cache)
    base = named.checkpoint
    path = dassl_file(request.directory, epoch=request.epoch)
    found, told = read_dassl(path), directory_facts(request.directory)
    known = {
        "task": request.task,
        "shots": told.shots if request.shots is None else request.shots,
        "seed": told.seed if request.seed is None else request.seed,
        "epochs": found.epochs,
        "precision": found.precision,
        "imported_from": path.name,
    }
    position = request.position or told.position
    facts = ContextFacts(
        base=request.base,
        backbone="",
        position=position or "end",
        classes=_classes(request, catalogue, data),
        class_specific=found.vectors.ndim == 3,
        trained={key: value for key, value in known.items() if value is not None},
    )
    if facts.class_specific and len(facts.classes) != len(found.vectors):
        raise VlbenchError(
            f"{path}: holds a context for each of {len(found.vectors)} classes, and {len(facts.classes)} are "
            "named; name those it was trained on, in their order: --task NAME or --classnames FILE"
        )
    name, out = _target(request, facts, catalogue)
    context, changes, unchecked = _checked(Context(path, facts, found.vectors), found, base, data.cache)
    write_context(out, context.vectors, context.facts)
    card = out.with_name(f"{name}.yaml")
    entry = None if request.task is None else find(catalogue, request.task, "task")
    task = parse_card(entry, TaskCard) if isinstance(entry, Entry) else None
    # Dassl records no image: what was seen is known as far as the task that is named tells
    seen = {} if request.task is None else seen_after(named.card, task, request.task)
    write_atomically(card, _card(name, out.name, context, seen))
    if position is None:
        changes = (
            *changes,
            "the class stands at the end: the directory's name does not say, --position would",
        )
    return ImportedContext(name, out, card, path, unchecked, changes)


def _classes(request: ImportRequest, catalogue: Catalogue, data: DataRequest) -> tuple[Text, ...]:
    """The classes that the user states. If a task's card has no names, its data are looked for."""
    if request.classnames is not None:
        return read_classnames(request.classnames)
    if request.task is None:
        return ()
    found = find(catalogue, request.task, "task")
    if isinstance(found, Entry):
        card = read_card(found.path, TaskCard).card
        if card.names is not None and (found.path.parent / card.names).is_file():
            names = read_names(found.path.parent / card.names)
            kept = half_classes(len(names), found.half) if found.half is not None else range(len(names))
            return names[kept.start : kept.stop]
    return open_task(request.task, catalogue, request=data).task.problem.texts


def _target(request: ImportRequest, facts: ContextFacts, catalogue: Catalogue) -> tuple[str, Path]:
    """The model's name and its context file.

    Raises:
        CardError: the name cannot be a card's, or is another card's.
    """
    if request.out is not None and request.out.suffix != _SUFFIX:
        raise CardError(f"{request.out}: a context file's name ends in {_SUFFIX}")
    stem = request.out.stem if request.out is not None else _default_name(request, facts.trained)
    name = request.name or stem
    out = request.out or FOLDER / f"{name}{_SUFFIX}"
    if RESERVED & set(name):
        raise CardError(
            f"{name!r}: a model's name may not contain any of {' '.join(sorted(RESERVED))!r}; "
            "choose another --name"
        )
    known = catalogue.models.get(name)
    if known is not None and known.path.resolve() != out.with_name(f"{name}.yaml").resolve():
        raise CardError(f"{name!r}: the name of the card {known.path}; choose another --name")
    return name, out


def _default_name(request: ImportRequest, trained: Mapping[str, str | int | float]) -> str:
    """A name from what is known, such as `coop-b16-oxford_pets-16shot-seed1`."""
    parts = ["coop", request.base.removeprefix("clip-")]
    parts += [str(trained["task"])] if "task" in trained else []
    parts += [f"{trained['shots']}shot"] if "shots" in trained else []
    parts += [f"seed{trained['seed']}"] if "seed" in trained else []
    name = "-".join(parts if len(parts) > 2 else [*parts, "imported"])
    return "".join("-" if letter in RESERVED else letter for letter in name)


def _checked(
    context: Context, found: DasslContext, base: Checkpoint, cache: Path | None
) -> tuple[Context, tuple[str, ...], str]:
    """The context with the digest of its base's text tower, remarks, and why it could not be checked, if so.

    Raises:
        WeightsError: the context does not fit the base, or the classes are in another order.
        Unsupported: the base has no text tower for a context.
    """
    try:
        base.identify()
    except WeightsError as error:  # weights that are not on this machine; damaged ones fail below
        return context, (), str(error)
    tower = context_tower(base.load(Placement()), base.name)
    check_fits(context, tower, base, cache)
    said = check_words(found, tower, context.facts.classes, path=context.path, base=base.name)
    digest = known_digest(tower, base, cache)
    return replace(context, facts=replace(context.facts, backbone=digest)), said, ""


def _card(name: str, file: str, context: Context, seen: Mapping[str, Sequence[str]]) -> str:
    facts, trained = context.facts, context.facts.trained
    kind = "class-specific" if facts.class_specific else "unified"
    said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in trained.items())
    about = (
        f"A {kind} context of {context.vectors.shape[-2]} tokens with the class at the {facts.position}, "
        f"learned by CoOp's own code and imported: {said}."
    )
    seed = f"-seed{trained.get('seed')}"
    row = name.removesuffix(seed) if name.endswith(seed) else ""
    return card_text(
        title=f"CoOp on {facts.base}, imported",
        base=facts.base,
        context=file,
        about=about,
        replicate_of=row,
        seen=seen,
    )
