"""Checks the counts that a card states against the data before any work."""

from vlbench.core.errors import DataError
from vlbench.core.task import TaskRequest


def check_counts(request: TaskRequest, *, images: int, texts: int) -> str:
    """Compare counts with those of the card. Return why the task is partial; empty if it is whole.

    Raises:
        DataError: a count differs and the user did not allow a subset.

    >>> from vlbench.core.contracts import Dataset
    >>> from vlbench.core.task import Expectation
    >>> pets, stated = Dataset("pets", "1", ()), Expectation(images=3)
    >>> request = TaskRequest("pets", "mine", pets, expect=stated, allow_subset=True)
    >>> check_counts(request, images=2, texts=2)
    '2 images where the card says 3'
    """
    if images == 0:
        raise DataError(f"{request.name}: {request.source.name} has no image; check the folder")
    if request.partial:
        return request.partial
    found = {"images": images, "texts": texts}
    wanted = {"images": request.expect.images, "texts": request.expect.texts}
    differing = [
        f"{found[what]} {what} where the card says {number}"
        for what, number in wanted.items()
        if number is not None and number != found[what]
    ]
    lacks = request.source.reading.lacks
    reason = ", ".join([*filter(None, [lacks]), *differing])
    if not differing:
        return lacks
    if not request.allow_subset:
        raise DataError(
            f"{request.name}: {request.source.name} has {reason}; "
            "complete the data, or pass --allow-subset for a result marked partial"
        )
    return reason
