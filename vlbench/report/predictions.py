"""Per-item predictions as a parquet file beside the result."""

from io import BytesIO
from pathlib import Path

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.files import write_atomically
from vlbench.core.problem import Problem
from vlbench.core.result import Result
from vlbench.report.results import PREDICTIONS, result_path

Columns = dict[str, object]

_WRITTEN = {
    *("row_ranks", "column_ranks", "best", "best_scores", "scores"),
    *("right_scores", "log_sums", "log_square_sums"),
    "thresholds",
}
"""Arrays that have columns of other names, that only sum a softmax up, or that stand in the result."""


def write_predictions(result: Result, problem: Problem, prediction: Prediction, folder: Path) -> Path:
    """Write what a model answered item by item: `<task>/<model>.predictions.parquet`.

    Columns: `side` ("image", or "text" for the queries of image retrieval; "candidate" where those are
    texts), `id` (of the image) or the caption, `rank` of the best right answer, `best` (names) and
    `best_scores` in classification, `scores` (one a tag, in the order of the result's texts; none, or NaN, of
    a tag of which nobody knows whether it is true) and `relevant` in tagging. Other arrays that a scoring
    keeps stand under their own names: beside the images or texts if there are as many, in rows of the side
    "pair" with id and `query` if there are as many asked or right pairs, else in rows of a side of their own.
    """
    import pandas as pd

    frames = [pd.DataFrame(each) for each in _sides(problem, prediction)]
    table = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    path = folder / result_path(result, PREDICTIONS)
    write_atomically(path, buffer.getvalue())
    return path


def _sides(problem: Problem, prediction: Prediction) -> list[Columns]:
    """The columns of each side."""
    images = _image_columns(problem, prediction)
    names = problem.ids, problem.names
    texts: Columns = {"side": "text", "id": names[1]}
    if "column_ranks" in prediction.arrays:
        texts["rank"] = prediction["column_ranks"]
    asked = problem.asked.pairs if problem.asked is not None and problem.asked.how == "only" else None
    pairs = {len(each.candidates): each for each in (problem.relevant, asked) if each is not None}
    others: list[Columns] = []
    for name in sorted(prediction.arrays.keys() - _WRITTEN):
        values = list(prediction[name])
        if len(values) == len(problem.candidates):
            images[name] = values
        elif len(values) == len(problem.queries):
            texts[name] = values
        elif len(values) in pairs:
            both = pairs[len(values)]
            ids = [names[0][place] for place in both.candidates.tolist()]
            queries = [names[1][place] for place in both.queries.tolist()]
            others.append({"side": "pair", "id": ids, "query": queries, name: values})
        else:
            others.append({"side": name, "id": list(map(str, range(len(values)))), name: values})
    return [images, *([texts] if len(texts) > 2 else []), *others]


def _image_columns(problem: Problem, prediction: Prediction) -> Columns:
    side = "image" if len(problem.images) else "candidate"
    columns: Columns = {"side": side, "id": problem.ids}
    names = problem.names
    if "row_ranks" in prediction.arrays:
        columns["rank"] = prediction["row_ranks"]
    if "best" in prediction.arrays and "best_scores" in prediction.arrays:
        columns["best"] = [[names[j] for j in row] for row in prediction["best"]]
        columns["best_scores"] = list(prediction["best_scores"])
    if "scores" in prediction.arrays:
        columns["scores"] = list(prediction["scores"])
        counts = problem.relevant.row_counts
        rows = np.split(problem.relevant.queries, np.cumsum(counts)[:-1])
        columns["relevant"] = [[names[j] for j in row] for row in rows]
    return columns
