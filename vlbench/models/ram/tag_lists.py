"""Tag lists of taggers: names, ids, Chinese names and thresholds, and the positions of a task's tags in a
list.

A list is a TSV with a header (`index`, `name`, optionally `zh` and `threshold`), with lines in the order of
the model's outputs; or a text file with one name per line.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from vlbench.core.contracts import Text
from vlbench.core.errors import CardError, Unsupported
from vlbench.core.text_file import read_text, rows_of
from vlbench.core.whole_number import whole_number

RAM_TEMPLATES = Path(__file__).with_name("templates.txt")
"""The 63 templates of RAM's open vocabulary, one per line."""

_SHOWN = 3
"""How many tags an error names."""


def read_tags(path: Path, vocabulary: str) -> tuple[Text, ...]:
    """The tags of a list as texts. Their ids are the index and, under `zh`, the Chinese name if there is one.

    Raises:
        CardError: the file is missing, or a line is wrong.
    """
    return tuple(
        Text(
            name=row["name"],
            ids={vocabulary: str(index), **({"zh": row["zh"]} if row.get("zh") else {})},
        )
        for index, row in enumerate(_rows(path))
    )


def read_thresholds(path: Path) -> tuple[float, ...]:
    """The probability above which each tag of a list is predicted. A tag with threshold 1 never is.

    Raises:
        CardError: the file is missing or has no thresholds, or one is not a number from 0 to 1.
    """
    thresholds = []
    for number, row in enumerate(_rows(path), start=2):
        stated = row.get("threshold")
        if stated is None:
            raise CardError(f"{path}: has no column `threshold`; add one, or give a threshold")
        try:
            threshold = float(stated)
        except ValueError:
            threshold = -1.0
        if not 0 <= threshold <= 1:
            raise CardError(f"{path}: line {number}: threshold {stated!r} is no number from 0 to 1")
        thresholds.append(threshold)
    return tuple(thresholds)


def positions(texts: Sequence[Text], tags: Sequence[str], vocabulary: str, model: str) -> list[int]:
    """The positions of texts in a model's list of tags: by id in its vocabulary, then by unique name.

    Raises:
        Unsupported: a tag is not in the list, or its name appears several times; the message names the first
            ones.
    """
    places: dict[str, list[int]] = {}
    for place, tag in enumerate(tags):
        places.setdefault(tag, []).append(place)
    found = []
    unknown: list[str] = []
    for text in texts:
        id_ = text.ids.get(vocabulary)
        if id_ is not None:
            index = whole_number(id_)
            if index is None or index >= len(tags):
                raise Unsupported(
                    f"{model}: {vocabulary} {id_!r} of {text.name!r} is no index of its {len(tags)} tags; "
                    "correct the id"
                )
            found.append(index)
            continue
        named = places.get(text.name) or places.get(text.name.replace("_", " "), [])
        if len(named) > 1:
            raise Unsupported(
                f"{model}: {text.name!r} stands {len(named)} times in its list, at "
                f"{', '.join(map(str, named))}; state which as the id `{vocabulary}` of the tag"
            )
        found.extend(named)
        if not named:
            unknown.append(text.name)
    if unknown:
        raise Unsupported(_complaint(unknown, len(texts), places, model))
    return found


def _complaint(unknown: Sequence[str], asked: int, known: Mapping[str, object], model: str) -> str:
    shown = []
    for name in unknown[:_SHOWN]:
        close = get_close_matches(name, known, n=1, cutoff=0.75)
        shown.append(f"{name!r} (did you mean {close[0]!r}?)" if close else repr(name))
    rest = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return (
        f"{model}: {len(unknown)} of {asked} tags are not in its list of {len(known)} names: "
        f"{', '.join(shown)}{rest}; leave them out, or take a model of open vocabulary (ram-plus-open)"
    )


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    lines = read_text(path, CardError).rstrip("\n").split("\n")
    if lines == [""]:
        raise CardError(f"{path}: is empty; give a tag a line")
    if "\t" not in lines[0]:
        yield from ({"name": line} for line in lines)
        return
    header, *rows = rows_of(lines, str(path), CardError)
    if "name" not in header:
        raise CardError(f"{path}: line 1: the header has no column `name`")
    for number, cells in enumerate(rows, start=2):
        row = dict(zip(header, cells, strict=True))
        if row.get("index", str(number - 2)) != str(number - 2):
            raise CardError(f"{path}: line {number}: index {row['index']!r} where {number - 2} is next")
        yield row
