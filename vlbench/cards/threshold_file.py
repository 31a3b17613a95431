"""Thresholds of tags as a user states them: one number, or a file with a number for each."""

import json
import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError
from vlbench.core.files import shown

_FORM = (
    "a number a line in the order of the tags, a .tsv with columns `name` and `threshold`, "
    "or JSON {tag: number}"
)


def stated_number(asked: str) -> float | None:
    """The one threshold for all tags that was asked for; None where a file was."""
    try:
        return float(asked)
    except ValueError:
        return None


def read_thresholds(asked: str, texts: Sequence[Text]) -> tuple[float, ...]:
    """A threshold for each text, in the units that people state, from a number or a file's name.

    A file is a number a line in the order of the texts; a TSV whose header has `name` and `threshold`; or
    JSON `{tag: number}`. The last two are read by name, spaces and underscores being one, or where names
    repeat in the order of the texts; a tag that no text has is passed over.

    Raises:
        DataError: the file cannot be read, is none of these, or leaves a text out.
    """
    number = stated_number(asked)
    if number is not None:
        return (_finite(asked, "--thresholds"),) * len(texts)
    path = Path(asked).expanduser()
    where = shown(path)
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror}); name a file of thresholds") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    lines = content.split("\n")
    if content.lstrip().startswith("{"):
        return _by_name(_json_pairs(content, where), texts, where)
    if "\t" in lines[0]:
        return _by_name(_tsv_pairs(lines, where), texts, where)
    numbers = [_finite(line, f"{where}: line {at}") for at, line in enumerate(_trimmed(lines), start=1)]
    if len(numbers) != len(texts):
        raise DataError(f"{where}: {len(numbers)} numbers for {len(texts)} tags; it has to be {_FORM}")
    return tuple(numbers)


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
        raise DataError(f"{where}: {_missing(missing, len(texts), by_name)}")
    return tuple(by_name[name] for name in wanted)


def _json_pairs(content: str, where: str) -> list[tuple[str, float]]:
    try:
        found = json.loads(content, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}); it has to be {_FORM}") from error
    return [(name, _finite(value, f"{where}: {name!r}")) for name, value in found]


def _tsv_pairs(lines: Sequence[str], where: str) -> list[tuple[str, float]]:
    header, *rows = (line.rstrip("\r").split("\t") for line in _trimmed(lines))
    if not {"name", "threshold"} <= set(header):
        raise DataError(f"{where}: line 1: the header lacks `name` or `threshold`; it has to be {_FORM}")
    pairs = []
    for at, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(f"{where}: line {at}: {len(row)} columns where the header has {len(header)}")
        cells = dict(zip(header, row, strict=True))
        pairs.append((cells["name"], _finite(cells["threshold"], f"{where}: line {at}")))
    return pairs


def _finite(value: object, where: str) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise DataError(f"{where}: {str(value).strip()[:40]!r} is no number; thresholds are {_FORM}")


def _missing(missing: Sequence[str], asked: int, known: Iterable[str]) -> str:
    close = get_close_matches(missing[0], list(known), n=1, cutoff=0.6)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{len(missing)} of {asked} tags have no threshold: {missing[0]!r}{hint}{more}; add them"


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    return lines[:-1] if lines[-1] == "" else lines


def _spaced(name: str) -> str:
    return name.replace("_", " ")
