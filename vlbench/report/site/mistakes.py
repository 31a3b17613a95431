"""The mistakes of a model, from its saved predictions: pairs of confused classes, and the worst items."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vlbench.core.errors import DataError
from vlbench.core.parquet_file import open_parquet, reading_parquet
from vlbench.core.result import Result
from vlbench.report.results import PREDICTIONS, result_path

if TYPE_CHECKING:
    from PIL.Image import Image

CONFUSIONS = 15
WORST = 24
SIDE = 112
"""The longer side of a thumbnail in pixels."""


Images = Callable[[str], "Image | None"]
"""A function from an image id to the image; None where it is not here."""


@dataclass(frozen=True, slots=True)
class OpenedTask:
    """A task whose data are here: the right texts of every image id, and a way to open it."""

    images: Images
    truths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confusion:
    """A class, the answer that was given instead, and how often."""

    truth: str
    answer: str
    count: int


@dataclass(frozen=True, slots=True)
class WrongItem:
    """An image or a caption, the right answer, the answer given, and the rank of the right one.

    `shown` is the id of the image to show, empty for none: the item, or the right image of a text.
    `thumbnail` is its JPEG, empty if the image is not here. `ahead` is how much higher the given answer
    scores than the right one.
    """

    item: str
    truth: str
    answer: str
    rank: int
    shown: str = ""
    ahead: float = 0.0
    thumbnail: bytes = b""

    @property
    def picture(self) -> str:
        """The path of the thumbnail in the site, named by its bytes so that models share it.

        Empty without one.
        """
        return f"thumbnails/{sha256(self.thumbnail).hexdigest()[:32]}.jpg" if self.thumbnail else ""


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The mistakes of a model on a task; `unknown` counts those without a known right class."""

    model: str
    task: str
    confusions: tuple[Confusion, ...]
    worst: tuple[WrongItem, ...]
    unknown: int = 0


Row = Mapping[Hashable, object]
"""A row of saved predictions, by column."""


def read_mistakes(result: Result, folder: Path, opened: OpenedTask | None = None) -> Mistakes | None:
    """The mistakes in a whole result; None if its predictions were not saved.

    Raises:
        DataError: the file is damaged or from another run.
    """
    path = folder / result_path(result, PREDICTIONS)
    if not path.is_file():
        return None
    again = f"run {result.model} again with --save-predictions"
    file = open_parquet(path, again)
    truths = opened.truths if opened is not None else {}
    names = [
        part.name for metric in result.metrics if len(metric.parts) == result.n_texts for part in metric.parts
    ]
    with reading_parquet(path, again):
        table = file.read(use_threads=False).to_pandas()
        if "side" not in table or (table["side"] == "image").sum() != result.n_images:
            raise DataError(f"{path}: of another run; {again}")
        answers = _answers(table.to_dict("records"), truths, tuple(names[: result.n_texts]))
    wrong = [each for each in answers if each.rank != 1]
    wrong.sort(key=lambda each: (-(each.rank or result.n_texts + 1), -each.ahead, each.item))
    pairs = Counter((each.truth, each.answer) for each in wrong if each.truth and each.answer)
    # answers are told apart from truths where the best of each image are kept, as where it has one class
    counted = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])) if "best" in table else []
    return Mistakes(
        model=result.model,
        task=result.task,
        confusions=tuple(Confusion(*pair, count) for pair, count in counted[:CONFUSIONS]),
        worst=tuple(_with_thumbnail(each, opened) for each in wrong[:WORST]),
        unknown=sum(not each.truth for each in wrong) if counted else 0,
    )


def _answers(
    rows: Sequence[Row], truths: Mapping[str, tuple[str, ...]], names: tuple[str, ...]
) -> list[WrongItem]:
    """Every item with the right and the given answer, as far as the columns tell."""
    columns = rows[0].keys() if rows else ()
    if "scores" in columns:
        return [answer for row in rows if (answer := _tagged(row, names)) is not None]
    if "is_right" in columns and "pair_scores" in columns:
        return _matched(rows)
    if any(row["side"] == "pair" for row in rows):  # ranks are of what is asked; 0 is of what is never right
        rows = [row for row in rows if row["side"] in ("image", "text") and row["rank"]]
    return [_ranked(row, truths) for row in rows]


def _ranked(row: Row, truths: Mapping[str, tuple[str, ...]]) -> WrongItem:
    item, rank = str(row["id"]), int(float(str(row["rank"])))
    is_image = row["side"] == "image"
    # of retrieval's text side the columns hold nothing but ranks
    answers = _names(row["best"]) if is_image and "best" in row else []
    # an image of retrieval has several right captions: one is enough to see what it shows
    truth = str(row.get("label") or next(iter(truths.get(item, ())), "")) if is_image else ""
    # a right answer of rank r is the r-th best, unless it ties with wrong ones: ties count against it
    if not truth and 1 <= rank <= len(answers):
        truth = answers[rank - 1]
    return WrongItem(item, truth, answers[0] if answers else "", rank, item if is_image else "")


def _matched(rows: Sequence[Row]) -> list[WrongItem]:
    """For each image and each text of an item: the right one that scores lowest, the wrong one that scores
    highest."""
    by_owner: dict[tuple[str, str, bool], list[tuple[float, bool, str]]] = {}
    are_images = any(row["side"] == "image" for row in rows)
    for row in rows:
        value, right = float(str(row["pair_scores"])), bool(row["is_right"])
        if row["side"] != "pair" or value != value:  # what other arrays are of has no score
            continue
        item, candidate, query = (str(row.get(name, "")) for name in ("item", "id", "query"))
        by_owner.setdefault((item, query, False), []).append((value, right, candidate))
        if are_images:
            by_owner.setdefault((item, candidate, True), []).append((value, right, query))
    found = []
    for (_, owner, is_image), scored in by_owner.items():
        lowest = min((each for each in scored if each[1]), default=None)
        highest = max((each for each in scored if not each[1]), default=None)
        if lowest is not None and highest is not None:
            rank = 1 + sum(value >= lowest[0] for value, right, _ in scored if not right)
            shown = owner if is_image else lowest[2] if are_images else ""
            found.append(WrongItem(owner, lowest[2], highest[2], rank, shown, highest[0] - lowest[0]))
    return found


def _names(cell: object) -> list[str]:
    """The names in a cell: from a list, or from the array that pandas makes of it; else none."""
    listed = cell.tolist() if hasattr(cell, "tolist") else cell
    return [str(name) for name in listed] if isinstance(listed, list) else []


def _tagged(row: Row, names: tuple[str, ...]) -> WrongItem | None:
    """The right tag that an image ranks lowest, and the wrong tag that it ranks highest."""
    import numpy as np

    with np.errstate(over="ignore"):  # a damaged file may hold larger ones than were written
        scores = np.asarray(row["scores"], dtype=np.float32)
    relevant = set(_names(row["relevant"]))
    right = np.array([name in relevant for name in names], dtype=bool)
    if len(scores) != len(names):
        return None
    wrong = ~right & ~np.isnan(scores)  # an unknown tag, which has no score, is neither
    if not right.any() or not wrong.any():
        return None
    lowest = int(np.flatnonzero(right)[scores[right].argmin()])
    highest = int(np.flatnonzero(wrong)[scores[wrong].argmax()])
    rank = 1 + int((scores[wrong] >= scores[lowest]).sum())
    item = str(row["id"])
    return WrongItem(item, names[lowest], names[highest], rank, item)


def _with_thumbnail(wrong: WrongItem, opened: OpenedTask | None) -> WrongItem:
    image = opened.images(wrong.shown) if opened is not None and wrong.shown else None
    return wrong if image is None else replace(wrong, thumbnail=thumbnail(image))


def thumbnail(image: "Image") -> bytes:
    """A JPEG of an image whose longer side has 112 pixels; smaller images are enlarged without smoothing."""
    from PIL import Image as Images

    scale = SIDE / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    how = Images.Resampling.NEAREST if scale > 1 else Images.Resampling.LANCZOS
    buffer = BytesIO()
    image.convert("RGB").resize(size, how).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
