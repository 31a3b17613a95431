"""How many images that a context learned from are test images of its task."""

from collections.abc import Iterator
from dataclasses import replace

from vlbench.cards.build import open_task
from vlbench.cards.catalogue import Catalogue
from vlbench.cards.data_request import DataRequest
from vlbench.core.errors import DataError
from vlbench.core.image import seen_among
from vlbench.fitting.context_card import ContextCard


def with_tested(
    written: Iterator[ContextCard], name: str, catalogue: Catalogue, request: DataRequest
) -> Iterator[ContextCard]:
    """Cards with the number of their training images that a task tests; as they are where its data lie not.

    Own data (`KIND:FOLDER`) are both: what was learned from them is no test.
    """
    try:
        asked = open_task(name, catalogue, request=replace(request, allow_subset=True, limit=None)).task
    except DataError:
        yield from written
        return
    for card in written:
        tested = seen_among(asked.problem.images, card.learned_from, request.cache)
        yield replace(card, tested=tested)
