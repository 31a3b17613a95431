"""Few-shot samples: the same images that Dassl picks from the same ordered list with the same seed.

Rule: the images of each label, labels in order of first appearance, go through `random.sample`; a label
with fewer images than shots gives all of them, in order, and draws nothing. Source: Dassl.pytorch,
`DatasetBase.generate_fewshot_dataset`, as CoOp's data sets call it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from vlbench.core.errors import DataError

VALIDATION_SHOTS = 4
"""At most so many images of a label are drawn for validation."""


@dataclass(frozen=True, slots=True)
class FewShots:
    """Positions drawn from a training and from a validation list, each in the order of drawing."""

    train: list[int]
    val: list[int]


def sample(labels: Sequence[int], shots: int, seed: int) -> list[int]:
    """Positions of `shots` images of every label [n], label by label in order of first appearance.

    Raises:
        DataError: fewer than one shot.

    >>> sample([7, 3, 7, 7], 2, seed=1)
    [0, 3, 1]
    """
    return _drawn(labels, shots, Random(seed))  # noqa: S311 - a sample, no secret


def sample_both(train_labels: Sequence[int], val_labels: Sequence[int], shots: int, seed: int) -> FewShots:
    """A training sample, equal to `sample`'s, and one for validation of at most four shots behind it.

    Both come from one stream, the training sample first.

    Raises:
        DataError: fewer than one shot.
    """
    stream = Random(seed)  # noqa: S311 - a sample, no secret
    train = _drawn(train_labels, shots, stream)
    return FewShots(train=train, val=_drawn(val_labels, min(shots, VALIDATION_SHOTS), stream))


def _drawn(labels: Sequence[int], shots: int, stream: Random) -> list[int]:
    if shots < 1:
        raise DataError(f"{shots} shots leave no image to learn from; give 1 or more")
    members: dict[int, list[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, []).append(position)
    chosen: list[int] = []
    for positions in members.values():
        chosen.extend(stream.sample(positions, shots) if len(positions) >= shots else positions)
    return chosen
