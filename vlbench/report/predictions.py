"""Per-item predictions as a parquet file beside the result."""

from io import BytesIO
from pathlib import Path

import numpy as np

from vlbench.core.contracts import Prediction
from vlbench.core.files import file_name, write_atomically
from vlbench.core.problem import Problem
from vlbench.core.result import Result

Columns = dict[str, object]


def write_predictions(result: Result, problem: Problem, prediction: Prediction, folder: Path) -> Path:
    """Write what a model answered item by item: `<task>/<model>.predictions.parquet`.

    Columns: `side` ("image", or "text" for the queries of image retrieval; "candidate" where those are
    texts), `id` (of the image) or the caption, `rank` of the best right answer, `best` (names) and
    `best_scores` in classification, `scores` (one a tag, in the order of the result's texts; none, or NaN, of
    a tag of which nobody knows whether it is true) and `relevant` in tagging.
    """
    import pandas as pd

    frames = [pd.DataFrame(_image_columns(problem, prediction))]
    if "column_ranks" in prediction.arrays:
        frames.append(pd.DataFrame({"side": "text", "id": problem.names, "rank": prediction["column_ranks"]}))
    table = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    partial = ".partial" if result.partial else ""
    path = folder / file_name(result.task) / f"{file_name(result.model)}{partial}.predictions.parquet"
    write_atomically(path, buffer.getvalue())
    return path


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
