"""What data say of an image: records read as targets, and names and templates that lie beside."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vlbench.core.contracts import Offers, Target, Text
from vlbench.core.errors import DataError

CAPTION_FIELDS = ("captions", "caption", "text")
NAME_FILES = ("names.txt", "classnames.txt")
TEMPLATE_FILES = ("templates.txt", "zeroshot_classification_templates.txt")


def target_of(record: Mapping[str, object], where: str) -> Target:
    """The target of a record with any of `label`, `captions` (`caption`, `text`), `tags` and `group`.

    A missing or null field says nothing; other fields are nobody's business here. Blanks around a
    caption are cut. `where` says which record it is.

    Raises:
        DataError: a field of another type.
    """
    label = record.get("label")
    if label is not None and not _is_label(label):
        raise DataError(f"{where}: label {label!r} is neither a string nor an integer")
    return Target(
        label=label if isinstance(label, str | int) else None,
        captions=_captions(record, where),
        tags=_tags(record.get("tags"), where),
        group=_group(record.get("group"), where),
    )


def _group(value: object, where: str) -> str:
    """The name of a group; a number counts as one."""
    if value is None:
        return ""
    if not _is_label(value):
        raise DataError(f"{where}: group {value!r} is neither a string nor an integer")
    return str(value)


def offers_beside(folders: Sequence[Path], targets: Iterable[Target] = ()) -> Offers:
    """Names and templates from files in some folders, the first that has one; names else from targets."""
    names = [each for each in map(names_beside, folders) if each]
    templates = [each for each in map(templates_beside, folders) if each]
    return Offers(names=names[0] if names else names_of(targets), templates=templates[0] if templates else ())


def names_of(targets: Iterable[Target]) -> tuple[Text, ...]:
    """The distinct labels, or tags, that are strings, sorted; spaces for underscores.

    Data that carry labels and tags of two vocabularies offer none, since nobody said which is asked.
    """
    labels: set[str] = set()
    tags: set[str] = set()
    for target in targets:
        if isinstance(target.label, str):
            labels.add(target.label)
        tags.update(tag for tag in target.tags or () if isinstance(tag, str))
    if labels and tags and labels != tags:
        return ()
    return tuple(_text_of(name) for name in sorted(labels or tags))


def names_beside(folder: Path) -> tuple[Text, ...]:
    """Names of the classes in the order of their indices, one a line; a second column is an id.

    They come from `names.txt`, or from the `classnames.txt` of a webdataset folder. A name that several
    lines share is told apart by its line's index, which is what its images carry.

    Raises:
        DataError: the file cannot be read as UTF-8.
    """
    for file in NAME_FILES:
        if (folder / file).is_file():
            rows = [line.split("\t", 1) for line in lines_of(read_text(folder / file))]
            counts = Counter(row[0].strip() for row in rows)
            return tuple(_text_of_row(row, i, counts[row[0].strip()]) for i, row in enumerate(rows))
    return ()


def _text_of_row(row: Sequence[str], index: int, count: int) -> Text:
    if len(row) == 2:
        return Text(name=row[0].strip(), ids={"label": row[1].strip()})
    return Text(name=row[0].strip(), ids={"index": str(index)} if count > 1 else {})


def templates_beside(folder: Path) -> tuple[str, ...]:
    """Templates with one `{}` each, one a line; `{c}`, as webdataset folders write it, becomes `{}`.

    They come from `templates.txt`, or from `zeroshot_classification_templates.txt`.

    Raises:
        DataError: a line without a place for the name, or with several.
    """
    for file in TEMPLATE_FILES:
        path = folder / file
        if path.is_file():
            templates = [line.strip().replace("{c}", "{}") for line in lines_of(read_text(path))]
            for number, template in enumerate(templates, start=1):
                if template.count("{}") != 1:
                    raise DataError(f"{path}:{number}: template {template!r} needs one {{}} for the name")
            return tuple(templates)
    return ()


def read_text(path: Path) -> str:
    """A text file, with or without a byte order mark.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check its permissions") from error


def lines_of(text: str) -> list[str]:
    r"""Lines split at newlines alone, without the blank ones at the end; a blank one between is a name.

    >>> lines_of("near\r\n\nfar\n\n")
    ['near', '', 'far']
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def captions_of_text(text: str) -> list[str]:
    r"""Captions of a text, one a line; a blank line is none.

    >>> captions_of_text("a dog\n\n a cat \n")
    ['a dog', 'a cat']
    """
    return [line.strip() for line in lines_of(text) if line.strip()]


def _text_of(label: str) -> Text:
    name = label.replace("_", " ")
    return Text(name=name, ids={} if name == label else {"label": label})


def _is_label(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _captions(record: Mapping[str, object], where: str) -> tuple[str, ...]:
    value = next((record[field] for field in CAPTION_FIELDS if record.get(field) is not None), ())
    captions = [value] if isinstance(value, str) else value
    if not isinstance(captions, list | tuple) or not all(isinstance(each, str) for each in captions):
        raise DataError(f"{where}: captions {value!r} are neither a string nor a list of strings")
    return tuple(str(each).strip() for each in captions)


def _tags(value: object, where: str) -> tuple[str | int, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(_is_label(each) for each in value):
        raise DataError(f"{where}: tags {value!r} are no list of strings or integers")
    return tuple(value)
