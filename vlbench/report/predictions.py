"""Per-item predictions as a parquet file next to the result."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.files import write_atomically
from vlbench.core.items import ITEM
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance
from vlbench.core.result import Result
from vlbench.core.scoring import Axis
from vlbench.report.results import PREDICTIONS, result_path

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SideColumns = dict[str, object]

_WRITTEN = {
    *("row_ranks", "column_ranks", "best", "best_scores", "scores"),
    *("right_scores", "log_sums", "log_square_sums", "best_queries", "best_candidates"),
    "thresholds",
}
"""Arrays that have columns with other names, only summarise a softmax, or are in the result."""


def write_predictions(result: Result, frame: "pd.DataFrame", folder: Path) -> Path:
    """Write the answers of a model item by item: `<task>/<model>.predictions.parquet`."""
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    path = folder / result_path(result, PREDICTIONS)
    write_atomically(path, buffer.getvalue())
    return path


def prediction_frame(
    problem: Problem, prediction: Prediction, axes: Mapping[str, Axis] = MappingProxyType({})
) -> "pd.DataFrame":
    """The answers of a model item by item.

    Columns: `side` ("image", or "text" for the queries of image retrieval; "candidate" where candidates are
    texts), `id` (of the image, or the caption), `rank` of the best right answer. In classification `label`
    and `label_index` are the right class where there is one, `best` (names), `best_index` and `best_scores`
    the answers. In retrieval `retrieved` are the captions of an image, or the images of a caption, that score
    highest; of equal scores the first, which `rank` counts against the model. In tagging `scores` are one per
    tag, in the order of the result's texts; none, or NaN, where the truth is unknown. `relevant` are all
    right answers in retrieval and tagging. Other arrays of a scoring have columns with their own names: in
    the rows of images or texts, or in rows of the side "pair" with id, `query` and `is_right`, as `axes`
    states or as their length suggests; else in rows of a side of their own. Where texts belong to items,
    texts and pairs name their item in `item`.
    """
    import pandas as pd

    frames = [pd.DataFrame(each) for each in _sides(problem, prediction, axes)]
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def _sides(problem: Problem, prediction: Prediction, axes: Mapping[str, Axis]) -> list[SideColumns]:
    """The columns for each side."""
    items = problem.groups[ITEM].labels if ITEM in problem.groups else None
    texts: SideColumns = {"side": "text", "id": problem.names}
    if "column_ranks" in prediction.arrays:
        texts["rank"] = prediction["column_ranks"]
    if "best_candidates" in prediction.arrays:
        texts["retrieved"] = _named(prediction["best_candidates"], problem.ids)
        texts["relevant"] = _named(problem.relevant.by_query, problem.ids)
    sides: dict[Axis, SideColumns] = {"candidates": _image_columns(problem, prediction), "queries": texts}
    sizes: dict[Axis, int] = {"candidates": len(problem.candidates), "queries": len(problem.queries)}
    pairs: dict[Axis, Relevance] = {"right": problem.relevant}
    if problem.asked is not None and problem.asked.how == "only":
        pairs["asked"] = problem.asked.pairs
    sizes |= {axis: len(each.candidates) for axis, each in pairs.items()}
    others: list[SideColumns] = []
    for name in sorted(prediction.arrays.keys() - _WRITTEN):
        values = list(prediction[name])
        stated = [axes[name]] if name in axes else []
        axis = next((axis for axis in (*stated, *sizes) if sizes.get(axis) == len(values)), None)
        if axis is None:
            others.append({"side": name, "id": list(map(str, range(len(values)))), name: values})
            continue
        if axis not in sides:
            sides[axis] = _pair_columns(problem, pairs[axis], items)
        sides[axis][name] = values
    if len(texts) == 2:
        del sides["queries"]
    elif items is not None:
        texts["item"] = items
    return [*sides.values(), *others]


def _pair_columns(problem: Problem, pairs: Relevance, items: Sequence[str] | None) -> SideColumns:
    queries = pairs.queries.tolist()
    ids, names = problem.ids, problem.names
    columns: SideColumns = {
        "side": "pair",
        "id": [ids[place] for place in pairs.candidates.tolist()],
        "query": [names[place] for place in queries],
        "is_right": problem.relevant.holds(pairs),
    }
    if items is not None:
        columns["item"] = [items[place] for place in queries]
    return columns


def _image_columns(problem: Problem, prediction: Prediction) -> SideColumns:
    side = "image" if len(problem.images) else "candidate"
    columns: SideColumns = {"side": side, "id": problem.ids}
    names = problem.names
    if "row_ranks" in prediction.arrays:
        columns["rank"] = prediction["row_ranks"]
    if "best" in prediction.arrays and "best_scores" in prediction.arrays:
        if (problem.relevant.row_counts == 1).all():
            columns["label"] = [names[j] for j in problem.relevant.queries.tolist()]
            columns["label_index"] = problem.relevant.queries
        columns["best"] = _named(prediction["best"], names)
        columns["best_index"] = list(prediction["best"])
        columns["best_scores"] = list(prediction["best_scores"])
    if "best_queries" in prediction.arrays:
        columns["retrieved"] = _named(prediction["best_queries"], names)
    if "scores" in prediction.arrays:
        columns["scores"] = list(prediction["scores"])
    if "scores" in prediction.arrays or "best_queries" in prediction.arrays:
        rows = np.split(problem.relevant.queries, np.cumsum(problem.relevant.row_counts)[:-1])
        columns["relevant"] = _named(rows, names)
    return columns


def _named(rows: Iterable["NDArray[np.int64]"], names: Sequence[str]) -> list[list[str]]:
    """The names at the indices in rows; an index of -1 is none."""
    return [[names[j] for j in row.tolist() if j >= 0] for row in rows]
