"""Few-shot samples: the images that Dassl draws from the same ordered list with the same seed.

The images of each label, in order of first appearance of the labels, go through `random.sample`. A label with
fewer images than shots gives all of them in order and draws nothing. Source: Dassl.pytorch,
`DatasetBase.generate_fewshot_dataset`, as CoOp's data sets call it.
"""

from collections.abc import Sequence
from random import Random

from vlbench.core.errors import DataError


def sample(labels: Sequence[int], shots: int, seed: int) -> list[int]:
    """The positions of `shots` images of every label [n], label by label in order of first appearance.

    Raises:
        DataError: shots are below 1.

    >>> sample([7, 3, 7, 7], 2, seed=1)
    [0, 3, 1]
    """
    if shots < 1:
        raise DataError(f"{shots} shots leave no image to learn from; give 1 or more")
    members: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, []).append(position)
    stream = Random(seed)  # noqa: S311 - a sample, no secret
    chosen: list[int] = []
    for positions in members.values():
        chosen.extend(stream.sample(positions, shots) if len(positions) >= shots else positions)
    return chosen
