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
"""The vocabulary of the card's names that a user's names replace."""
JSON = ".json"
JSON_PLACEHOLDER = "{c}"
"""The placeholder for the name in CLIP_benchmark's JSON files of templates."""


def read_names(path: Path) -> tuple[Text, ...]:
    """Read texts from a TSV: the first column is `name`, the others are vocabularies of ids.

    An empty cell is no id. Blanks are kept, as part of a published name. Two columns have another meaning:
    `number` is the class number in the data, if names are in another order, and `synonyms` are further words,
    separated by bars. A `.json` file is read as CLIP_benchmark writes it: one data set and the list of its
    names.

    Raises:
        CardError: the header or the length of a line is wrong, or there is no line.
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
    """Read texts from a user's file: a TSV as for `read_names` (`.tsv`), or one name per line.

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
    """Read templates, one per line, each with one `{}`; or from a `.json` file of CLIP_benchmark, with `{c}`.

    Raises:
        CardError: a line has no `{}` or several, or is pasted from code, or there is no line.
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
    """The names of a card with their ids; None if it has none.

    Raises:
        CardError: a file is wrong.
        DataError: the file does not exist, or the numbers of ids and names differ.
    """
    if card.names is None:
        return None
    names = read_names(find_text_file(card.names, place, task))
    if card.ids is None or place.card_folder is None:
        return names
    return with_ids(names, place.card_folder / inner_path(card.ids, task, CardError), task)


def find_text_file(file: str, place: Place, task: str) -> Path:
    """Find a card's file of names or templates: next to the card, else under the roots in order.

    Raises:
        DataError: the file does not exist; the message lists all places.
    """
    inside = inner_path(file, task, CardError)
    paths = [folder / inside for folder in (place.card_folder, *place.roots) if folder is not None]
    return _first_file(paths, task, "file", f"name a --data-root that has {file}")


def find_descriptions(file: str, place: Place, task: str) -> Path:
    """Find a card's file of descriptions: under the roots in order, then next to the card.

    Raises:
        DataError: the file does not exist; the message lists all places.
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
    """Add the ids in a file to names, line by line.

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
    """Give names the ids and the number of a card's classes: by equal names, else line by line.

    If they are the same names in any order, they count as the card's. If their number differs, names are
    unchanged.

    Raises:
        DataError: some names, but not all, are classes' names and are on other lines, so the order of the
            others is unknown.

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
                    f"{where}: line {line + 1} names class {place}, {name.name!r}, but other lines name no "
                    "class; write all names in the order of the classes, or a .tsv with their ids"
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
    """A remark if names took the labels of differently named classes line by line; else none."""
    for name in names:
        if CARD in name.ids:
            example = f"{name.name!r} for {name.ids[CARD]!r}"
            return (f"names of {shown(path)} stand for the classes line by line, as {example}",)
    return ()


def _plain(text: Text) -> str:
    return text.name.replace("_", " ")


def read_vocabularies(folders: Iterable[Path]) -> dict[str, dict[str, str]]:
    """The names by id of each vocabulary, from files `vocabularies/*.tsv` (header `id`, `name`) in folders.

    Raises:
        CardError: a file has another layout, or two have the same name.
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
    """The strings in a JSON file `{data set: [strings]}`."""
    content = read_json(path, CardError)
    lists = list(content.values()) if isinstance(content, dict) else []
    if len(lists) != 1 or not isinstance(lists[0], list) or not lists[0]:
        raise CardError(f"{shown(path)}: write one data set and its list: {{NAME: [STRING, ...]}}")
    if not all(isinstance(each, str) for each in lists[0]):
        raise CardError(f"{shown(path)}: its list holds something else than strings; remove it")
    return lists[0]
