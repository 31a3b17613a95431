"""What each image adds to a metric of ranks, read from a model's items."""

from vlbench.core.items import Contributions, Hits, Indices, Items, Reading


def hits_within(items: Items, most: float | None) -> Reading | None:
    """Which images have something right within the best `most`; None where the items keep no ranks.

    >>> import numpy as np
    >>> hits_within(Items(image_ranks=np.array([1, 0, 3])), 1).right.tolist()
    [True, False]
    """
    ranks = items.image_ranks
    return None if ranks is None or most is None else Hits(ranks[ranks > 0] <= most)


def shares(hits: Indices, sizes: Indices) -> Reading | None:
    """A share of what hangs on the images: hits [n] of sizes [n], such as captions found."""
    if not sizes.size:
        return None
    most = sizes.size * sizes / sizes.sum()
    return Contributions("over images", most * (hits / sizes), most)
