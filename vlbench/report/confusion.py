"""The confusion matrix of a classification, from its predictions."""

from typing import TYPE_CHECKING

import numpy as np

from vlbench.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_READ = ("label", "label_index", "rank", "best", "best_index")


def confusion_frame(predictions: "pd.DataFrame", where: str = "predictions") -> "pd.DataFrame":
    """How many images of each class (rows) are taken for each class (columns).

    Classes are in the order of the task; those that no image has and no answer names are left out. An image
    whose right class ties for the best is counted where it is wrong, as in accuracy, so the diagonal over all
    images is acc1. `where` names the predictions in errors.

    Raises:
        DataError: they are no classification with one right class for each image, or of an earlier version.

    >>> import pandas as pd
    >>> answered = {"label": ["cat", "dog"], "label_index": [0, 1], "rank": [1, 2]}
    >>> answered |= {"best": [["cat", "dog"]] * 2, "best_index": [[0, 1]] * 2}
    >>> confusion_frame(pd.DataFrame(answered)).loc["dog", "cat"]
    np.int64(1)
    """
    import pandas as pd

    columns = getattr(predictions, "columns", ())
    lacking = [name for name in _READ if name not in columns]
    if lacking:
        raise DataError(
            f"{where}: no {lacking[0]} of images, so there are no classes to confuse; "
            "save predictions that have one right class for each image"
        )
    truths = predictions["label_index"].to_numpy(dtype=np.int64)
    best = np.stack([np.asarray(row[:2], dtype=np.int64) for row in predictions["best_index"]])
    # where the right class is first and its rank is not 1, the other one ties with it
    tied = (best[:, 0] == truths) & (predictions["rank"].to_numpy() != 1)
    answers = np.where(tied, best[:, -1], best[:, 0])
    names: dict[int, str] = dict(zip(truths.tolist(), predictions["label"], strict=True))
    for indices, words in zip(predictions["best_index"], predictions["best"], strict=True):
        names |= zip(map(int, indices), words, strict=True)
    known = np.array(sorted(set(truths.tolist()) | set(answers.tolist())), dtype=np.int64)
    counts = np.zeros((known.size, known.size), dtype=np.int64)
    np.add.at(counts, (np.searchsorted(known, truths), np.searchsorted(known, answers)), 1)
    labels = [names[place] for place in known.tolist()]
    return pd.DataFrame(counts, index=pd.Index(labels, name="label"), columns=pd.Index(labels, name="answer"))
