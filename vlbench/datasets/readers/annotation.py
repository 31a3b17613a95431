"""What data state about an image: records as targets, and names and templates in files next to the images."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.errors import DataError
from vlbench.core.reading import Tally, pasted, wrong_template
from vlbench.core.text_file import read_text
from vlbench.datasets.readers.text_records import data_lines

UNKNOWN_TAGS = "unknown_tags"
NEGATIVE_TAGS = "negative_tags"
CAPTION_FIELDS = ("captions", "caption", "text")
OWN_NAMES = "names.txt"
NAME_FILES = (OWN_NAMES, "classnames.txt")
TEMPLATE_FILES = ("templates.txt", "zeroshot_classification_templates.txt")


BLANK = "blank captions"
"""The reason for leaving out blank captions."""


def target_of(record: Mapping[str, object], where: str, tally: Tally) -> Target:
    """Make a target from a record with any of `label`, `captions` (`caption`, `text`), `tags` and `group`.

    With tags, it may also have `unknown_tags`, whose truth is unknown, and `negative_tags`, which are known
    to be false.

    Missing and null fields state nothing; other fields are ignored. Blanks around a caption are removed; a
    blank caption is left out and counted. `where` names the record in errors.

    Raises:
        DataError: a field has the wrong type.
    """
    label, group = record.get("label"), record.get("group")
    for name, value in (("label", label), ("group", group)):
        if value is not None and not _is_label(value):
            raise DataError(f"{where}: {name} {value!r} is neither a string nor an integer")
    return Target(
        label=label if isinstance(label, str | int) else None,
        captions=said_captions(_captions(record, where), where, tally),
        tags=_tags(record, "tags", where),
        group="" if group is None else str(group),
        unknown=_tags(record, UNKNOWN_TAGS, where) or (),
        negatives=_tags(record, NEGATIVE_TAGS, where),
    )


def offers_beside(folders: Sequence[Path], targets: Iterable[Target] = ()) -> Offers:
    """Names and templates from the first folder that has such files; names otherwise from targets."""
    names = [each for each in map(names_beside, folders) if each]
    templates = [each for each in map(templates_beside, folders) if each]
    return Offers(names=names[0] if names else names_of(targets), templates=templates[0] if templates else ())


def names_of(targets: Iterable[Target]) -> tuple[Text, ...]:
    """The distinct labels, or tags, that are strings, sorted, with spaces for underscores.

    Data with labels and tags from two vocabularies offer none, since it is not clear which one is meant.
    """
    labels: set[str] = set()
    tags: set[str] = set()
    for target in targets:
        if isinstance(target.label, str):
            labels.add(target.label)
        stated = (*(target.tags or ()), *target.unknown, *(target.negatives or ()))
        tags.update(tag for tag in stated if isinstance(tag, str))
    if labels and tags and labels != tags:
        return ()
    return tuple(text_of(name) for name in sorted(labels or tags))


def names_file(folder: Path) -> Path | None:
    """The file of names in a folder: `names.txt`, or the `classnames.txt` of a webdataset."""
    return next((folder / file for file in NAME_FILES if (folder / file).is_file()), None)


def names_beside(folder: Path) -> tuple[Text, ...]:
    """Names of classes in the order of their indices, one per line; a second column is an id.

    In `names.txt`, underscores become spaces, as in names of folders and labels; a `classnames.txt` is read
    unchanged. A name on several lines is distinguished by the index of the line, which images have as their
    label.

    Raises:
        DataError: the file is not UTF-8, or its lines are pasted from code or a table.
    """
    file = names_file(folder)
    if file is None:
        return ()
    rows = [line.split("\t", 1) for line in data_lines(read_text(file))]
    names = [row[0].strip() for row in rows]
    if complaint := pasted(names):
        raise DataError(f"{file}:{complaint[0]}: {names[complaint[0] - 1]!r} {complaint[1]}")
    counts = Counter(names)
    texts = []
    for index, (name, row) in enumerate(zip(names, rows, strict=True)):
        text = text_of(name) if file.name == OWN_NAMES else Text(name)
        if len(row) == 2:
            text = replace(text, ids={"label": row[1].strip()})
        elif counts[name] > 1:
            text = replace(text, ids={"index": str(index)})
        texts.append(text)
    return tuple(texts)


def templates_beside(folder: Path) -> tuple[str, ...]:
    """Templates with one `{}` each, one per line; `{c}`, as webdataset folders write it, becomes `{}`.

    They are read from `templates.txt` or `zeroshot_classification_templates.txt`.

    Raises:
        DataError: a line has no `{}`, or several.
    """
    for file in TEMPLATE_FILES:
        path = folder / file
        if path.is_file():
            templates = [line.strip().replace("{c}", "{}") for line in data_lines(read_text(path))]
            if complaint := pasted(templates):
                raise DataError(
                    f"{path}:{complaint[0]}: template {templates[complaint[0] - 1]!r} {complaint[1]}"
                )
            for number, template in enumerate(templates, start=1):
                if wrong := wrong_template(template):
                    raise DataError(f"{path}:{number}: template {template!r} {wrong}")
            return tuple(templates)
    return ()


def said_captions(captions: Iterable[str], where: str, tally: Tally) -> tuple[str, ...]:
    """Captions without surrounding blanks. A blank caption is left out and counted."""
    found = []
    for caption in captions:
        if caption.strip():
            found.append(caption.strip())
        else:
            tally.leave_out(BLANK, where)
    return tuple(found)


def text_of(label: str) -> Text:
    """The text of a label: spaces for underscores; a label that this changes becomes the text's id."""
    name = label.replace("_", " ")
    return Text(name=name, ids={} if name == label else {"label": label})


def _is_label(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _captions(record: Mapping[str, object], where: str) -> tuple[str, ...]:
    value = next((record[field] for field in CAPTION_FIELDS if record.get(field) is not None), ())
    captions = [value] if isinstance(value, str) else value
    if not isinstance(captions, list | tuple) or not all(isinstance(each, str) for each in captions):
        raise DataError(f"{where}: captions {value!r} are neither a string nor a list of strings")
    return tuple(captions)


def _tags(record: Mapping[str, object], field: str, where: str) -> tuple[str | int, ...] | None:
    value = record.get(field)
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(_is_label(each) for each in value):
        raise DataError(f"{where}: {field} {value!r} are no list of strings or integers")
    return tuple(value)
