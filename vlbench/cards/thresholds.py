"""Thresholds of tags as a user states them, a number or a file with one per tag, and tasks with them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Dataset, Text
from vlbench.core.digest import digest_of
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.files import shown
from vlbench.core.image import image_digests
from vlbench.core.json_text import parsed_json
from vlbench.core.metric_name import DECIDED, metrics_of
from vlbench.core.reading import CAPTIONS
from vlbench.core.task import ProtocolStatement, Task
from vlbench.core.text_file import named_missing, read_text, rows_of

_DIGITS = 6
_FORM = (
    "a number a line in the order of the tags, a .tsv with columns `name` and `threshold`, "
    "or JSON {tag: number}"
)


def stated_number(asked: str) -> float | None:
    """The single threshold for all tags; None if a file is stated."""
    try:
        return float(asked)
    except ValueError:
        return None


def read_thresholds(asked: str, texts: Sequence[Text]) -> tuple[float, ...]:
    """Read a threshold for each text, in the units that people state, from a number or a file name.

    A file has one number per line in the order of the texts, or is a TSV with the columns `name` and
    `threshold`, or JSON `{tag: number}`. The last two are read by name, where spaces equal underscores, or in
    the order of the texts if names repeat; a tag that no text has is skipped.

    Raises:
        DataError: the file cannot be read, has none of these forms, or lacks a text.
    """
    number = stated_number(asked)
    if number is not None:
        return (_finite(asked, "--thresholds"),) * len(texts)
    path = Path(asked).expanduser()
    where = shown(path)
    content = read_text(path)
    lines = content.removesuffix("\n").split("\n")
    if content.lstrip().startswith("{"):
        return _by_name(_json_pairs(content, where), texts, where)
    if "\t" in lines[0]:
        return _by_name(_tsv_pairs(lines, where), texts, where)
    numbers = [_finite(line, f"{where}: line {at}") for at, line in enumerate(lines, start=1)]
    if len(numbers) != len(texts):
        raise DataError(f"{where}: {len(numbers)} numbers for {len(texts)} tags; it has to be {_FORM}")
    return tuple(numbers)


def refuse_untagged(task: Task) -> None:
    """Raise Unsupported for a task without tags, which thresholds would not change."""
    if "scores" not in task.scoring.keeps:
        raise Unsupported(
            f"{task.name}: {task.kind} has no thresholds; leave --thresholds out, or name tagging tasks alone"
        )


def refuse_shared(task: Task, split: str, learned: Dataset, cache: Path | None) -> None:
    """Raise DataError if an image of a split to learn from is a test image, whatever its name."""
    known = frozenset(image_digests(task.problem.images, cache))
    shared = [i for i, digest in enumerate(image_digests(learned, cache)) if digest in known]
    if shared:
        raise DataError(
            f"{task.name}: {len(shared)} of {len(learned)} {split} images are test images "
            f"({learned[shared[0]].id} ...), and nothing is learned from those; name other images for it, "
            "or score them all the same with --allow-seen-images"
        )


def stated(task: Task, asked: str, values: Sequence[float]) -> Task:
    """A task with stated thresholds, one for each text, under its own name and protocol."""
    number = stated_number(asked)
    digest = digest_of(list(values))
    mark = digest[:_DIGITS] if number is None else f"{number:g}"
    thresholds = {"stated": digest if number is None else number}
    protocol = task.protocol
    return replace(
        task,
        name=f"{task.name}+thresholds@{mark}",
        protocol=ProtocolStatement(
            protocol.name,
            digest_of({"protocol": protocol.digest, "thresholds": thresholds}),
            {**protocol.statement, "thresholds": thresholds},
        ),
        metrics={**task.metrics, **metrics_of(name for name in DECIDED if name not in task.metrics)},
        thresholds=tuple(values),
    )


def learning_from(task: Task, split: str, other: Task) -> Task:
    """Add another split, which asks the same question, to a task for methods to learn from.

    A partial split is remarked on. Captions come with the images of a split, and are others.

    Raises:
        DataError: the two ask different questions.
    """
    if task.called != CAPTIONS and other.problem.queries != task.problem.queries:
        raise DataError(
            f"{task.name}: its {split} split asks for {len(other.problem.queries)} other texts; "
            "name the texts in the card"
        )
    partial = (f"of its {split} split: {other.partial}",) if other.partial else ()
    learn_from = {**task.learn_from, split: other.problem}
    return replace(task, learn_from=learn_from, remarks=(*task.remarks, *partial))


def _by_name(pairs: Sequence[tuple[str, float]], texts: Sequence[Text], where: str) -> tuple[float, ...]:
    names = [_spaced(name) for name, _ in pairs]
    wanted = [_spaced(text.name) for text in texts]
    if names == wanted:
        return tuple(value for _, value in pairs)
    by_name: dict[str, float] = {}
    for name, (_, value) in zip(names, pairs, strict=True):
        if name in by_name:
            raise DataError(f"{where}: {name!r} stands twice; state one threshold for it")
        by_name[name] = value
    missing = [name for name in wanted if name not in by_name]
    if missing:
        named = named_missing(missing, by_name, shown_names=1)
        raise DataError(f"{where}: {len(missing)} of {len(texts)} tags have no threshold: {named}; add them")
    return tuple(by_name[name] for name in wanted)


def _json_pairs(content: str, where: str) -> list[tuple[str, float]]:
    found = parsed_json(content, where, f"it has to be {_FORM}", objects=list)
    return [(name, _finite(value, f"{where}: {name!r}")) for name, value in found]


def _tsv_pairs(lines: Sequence[str], where: str) -> list[tuple[str, float]]:
    header, *rows = rows_of(lines, where)
    if not {"name", "threshold"} <= set(header):
        raise DataError(f"{where}: line 1: the header lacks `name` or `threshold`; it has to be {_FORM}")
    name, value = header.index("name"), header.index("threshold")
    return [(row[name], _finite(row[value], f"{where}: line {at}")) for at, row in enumerate(rows, start=2)]


def _finite(value: object, where: str) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise DataError(f"{where}: {str(value).strip()[:40]!r} is no number; thresholds are {_FORM}")


def _spaced(name: str) -> str:
    return name.replace("_", " ")
