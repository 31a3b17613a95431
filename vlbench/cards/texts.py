"""Data files of task cards: names with ids, templates, vocabularies."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.contracts import Place, Text
from vlbench.core.errors import CardError, DataError
from vlbench.core.files import shown
from vlbench.core.label_index import NUMBER
from vlbench.core.outside_name import inner_path
from vlbench.core.protocol import SYNONYMS
from vlbench.core.reading import pasted, wrong_template
from vlbench.core.text_file import read_json, read_lines, rows_of

if TYPE_CHECKING:
    from vlbench.cards.schema import TaskCard

NAME = "name"
PLACEHOLDER = "{}"
VOCABULARIES = "vocabularies"
CARD = "card"
"""The vocabulary of the names that a user's names stand for."""
JSON = ".json"
JSON_PLACEHOLDER = "{c}"
"""What stands for the name in CLIP_benchmark's JSON files of templates."""


def read_names(path: Path) -> tuple[Text, ...]:
    """Texts from a TSV whose header's first column is `name` and whose others are vocabularies of ids.

    An empty cell is no id. Blanks are kept: they are part of a published name. Two columns say more:
    `number` is the number that the data give the class, where the names stand in another order, and
    `synonyms` are further words, a bar between them. A `.json` is read as CLIP_benchmark writes it: one
    data set and the list of its names.

    Raises:
        CardError: no such header, a line of another length, or no line at all.
    """
    if path.suffix == JSON:
        return tuple(Text(name=name) for name in _json_list(path))
    header, *rows = _rows(path)
    if header[0] != NAME or not all(header):
        raise CardError(
            f"{shown(path)}: line 1: the header is `{NAME}`, then vocabularies of ids, tab-separated"
        )
    vocabularies = header[1:]
    return tuple(
        Text(name=name, ids={key: value for key, value in zip(vocabularies, ids, strict=True) if value})
        for name, *ids in rows
    )


def read_classnames(path: Path) -> tuple[Text, ...]:
    """Texts from a user's file: a TSV as `read_names` reads it (`.tsv`), or one name a line.

    Raises:
        CardError: the file is missing or empty, a line is blank or pasted from code, or the TSV is wrong.
    """
    if path.suffix.lower() == ".tsv":
        texts = read_names(path)
        _refuse_pasted([text.name for text in texts], path, first=2)
        return texts
    names = [line.strip() for line in read_lines(path, CardError)]
    if "" in names:
        raise CardError(f"{shown(path)}: line {names.index('') + 1}: blank; write a name, or remove the line")
    _refuse_pasted(names, path)
    if tabbed := next((line for line in names if "\t" in line), None):
        raise CardError(
            f"{shown(path)}: {tabbed!r} has columns; save it as .tsv, with a header of `name` and ids"
        )
    return tuple(Text(name=name) for name in names)


def read_templates(path: Path) -> tuple[str, ...]:
    """Templates, one a line, each with one `{}`; of a `.json` as CLIP_benchmark writes it, with `{c}`.

    Raises:
        CardError: a line without `{}` or with several, one pasted from code, or no line at all.
    """
    if path.suffix == JSON:
        templates = [line.replace(JSON_PLACEHOLDER, PLACEHOLDER) for line in _json_list(path)]
    else:
        templates = read_lines(path, CardError)
    _refuse_pasted(templates, path)
    for number, template in enumerate(templates, start=1):
        if wrong := wrong_template(template):
            raise CardError(f"{shown(path)}: line {number}: {template!r} {wrong}")
    return tuple(templates)


def _refuse_pasted(lines: Sequence[str], path: Path, *, first: int = 1) -> None:
    if complaint := pasted(lines):
        number, wrong = complaint
        raise CardError(f"{shown(path)}: line {number + first - 1}: {lines[number - 1]!r} {wrong}")


def card_names(card: "TaskCard", place: Place, task: str) -> tuple[Text, ...] | None:
    """The names of a card, with their ids; None where it has none.

    Raises:
        CardError: a file is wrong.
        DataError: the file lies nowhere, or there are more or fewer ids than names.
    """
    if card.names is None:
        return None
    names = read_names(find_text_file(card.names, place, task))
    if card.ids is None or place.card_folder is None:
        return names
    return with_ids(names, place.card_folder / inner_path(card.ids, task, CardError), task)


def find_text_file(file: str, place: Place, task: str) -> Path:
    """A card's file of names or templates: beside the card, else under the roots in order.

    Raises:
        DataError: it lies nowhere; all places looked at are named.
    """
    inside = inner_path(file, task, CardError)
    paths = [folder / inside for folder in (place.card_folder, *place.roots) if folder is not None]
    return _first_file(paths, task, "file", f"name a --data-root that has {file}")


def find_descriptions(file: str, place: Place, task: str) -> Path:
    """A card's file of descriptions: under the roots in order, then beside the card.

    Raises:
        DataError: it lies nowhere; all places looked at are named.
    """
    inside = inner_path(file, task, CardError)
    paths = [folder / inside for folder in (*place.roots, place.card_folder) if folder is not None]
    return _first_file(paths, task, "descriptions at", "pass --descriptions FILE")


def _first_file(paths: Sequence[Path], task: str, what: str, advice: str) -> Path:
    for path in paths:
        if path.is_file():
            return path
    raise DataError(
        f"{task}: no {what} {', '.join(map(shown, paths))}; put it there (`vlbench show {task}` says where "
        f"it comes from), or {advice}"
    )


def with_ids(names: Sequence[Text], path: Path, task: str) -> tuple[Text, ...]:
    """Names with the ids of a file's lines, one for one.

    Raises:
        DataError: the numbers of names and lines differ.
        CardError: the file is wrong.
    """
    ids = read_names(path)
    if len(names) != len(ids):
        raise DataError(
            f"{task}: {len(names)} names for the {len(ids)} lines of {shown(path)}; give one for each"
        )
    return tuple(replace(name, ids=line.ids) for name, line in zip(names, ids, strict=True))


def with_labels(names: Sequence[Text], classes: Sequence[Text], where: str) -> tuple[Text, ...]:
    """Names that take over the ids and the number of a card's classes: those of the same name, else by line.

    They count as the card's where they are the very same names, in whatever order. Names of another number
    stay as they are.

    Raises:
        DataError: some names, not all, are classes' and stand on other lines than these: nobody said which
            order the others are in.

    >>> with_labels([Text("kitten"), Text("puppy")], [Text("cat"), Text("dog")], "names.txt")[1].ids
    {'number': '1', 'card': 'dog'}
    """
    if len(names) != len(classes):
        return tuple(names)
    counts = Counter(_plain(each) for each in classes)
    places = {_plain(each): place for place, each in enumerate(classes)}
    same = len(places) == len(classes) and {_plain(name) for name in names} == places.keys()
    if not same:
        for line, name in enumerate(names):
            if counts[_plain(name)] == 1 and places[_plain(name)] != line:
                place = places[_plain(name)] + 1
                raise DataError(
                    f"{where}: line {line + 1} is {name.name!r}, which is class {place}, and other lines are "
                    "no class; write all names in the classes' order, or a .tsv with their ids"
                )
    order = [places[_plain(name)] for name in names] if same else range(len(names))
    found = []
    for name, place in zip(names, order, strict=True):
        ids = {key: value for key, value in classes[place].ids.items() if key != SYNONYMS}
        ids.setdefault(NUMBER, str(place))
        was = classes[place].name
        if was not in ("", name.name) and counts[_plain(classes[place])] == 1:
            ids[CARD] = was  # a folder's name may be the class's
        found.append(replace(name, ids=ids))
    return tuple(found)


def by_line(names: Sequence[Text], path: Path) -> tuple[str, ...]:
    """A remark on names that took over the labels of other classes line by line; none where they did not."""
    for name in names:
        if CARD in name.ids:
            example = f"{name.name!r} for {name.ids[CARD]!r}"
            return (f"names of {shown(path)} stand for the classes line by line, as {example}",)
    return ()


def _plain(text: Text) -> str:
    return text.name.replace("_", " ")


def read_vocabularies(folders: Iterable[Path]) -> dict[str, dict[str, str]]:
    """Names by id of each vocabulary: the files `vocabularies/*.tsv` (header `id`, `name`) in folders.

    Raises:
        CardError: a file of another layout, or two of one name.
    """
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for path in sorted((folder / VOCABULARIES).glob("*.tsv")):
            header, *rows = _rows(path)
            if header != ["id", NAME]:
                raise CardError(f"{shown(path)}: line 1: the header is `id` and `{NAME}`, tab-separated")
            if path.stem in found:
                raise CardError(f"{shown(path)}: vocabulary {path.stem!r} is there already; rename the file")
            found[path.stem] = dict(rows)
    return found


def _rows(path: Path) -> list[list[str]]:
    rows = rows_of(read_lines(path, CardError), shown(path), CardError)
    if len(rows) < 2:
        raise CardError(f"{shown(path)}: holds a header alone; add a line for each name")
    return rows


def _json_list(path: Path) -> list[str]:
    """The strings of a JSON file `{data set: [strings]}`."""
    content = read_json(path, CardError)
    lists = list(content.values()) if isinstance(content, dict) else []
    if len(lists) != 1 or not isinstance(lists[0], list) or not lists[0]:
        raise CardError(f"{shown(path)}: write one data set and its list: {{NAME: [STRING, ...]}}")
    if not all(isinstance(each, str) for each in lists[0]):
        raise CardError(f"{shown(path)}: its list holds something else than strings; remove it")
    return lists[0]
