"""RAM: image tagging whose tags are vectors of a CLIP text tower (Zhang et al. 2023)."""

from vlbench.adapters.ram_checkpoint import (
    TaggerCheckpoint,
    TaggerSettings,
    Vocabulary,
    beside_card,
)
from vlbench.adapters.ram_size import TaggerSize
from vlbench.core.contracts import Origin


def ram(
    origin: Origin,
    /,
    *,
    vocabulary: Vocabulary = "closed",
    network: TaggerSize = TaggerSize(),  # noqa: B008 - frozen
    tags: str | None = None,
    ids: str = "ram",
    threshold: float | None = None,
    repository: str | None = None,
    file: str | None = None,
    sha256: str | None = None,
    directory: str | None = None,
    text_model: str | None = None,
    text_weights: str | None = None,
    ignorable: tuple[str, ...] = (),
) -> TaggerCheckpoint:
    """A card's model: a file of a hub repository, of a folder beside the card, or the user's own.

    A closed vocabulary is the list `tags` beside the card, whose places are ids of the vocabulary `ids`;
    an open one is read by `text_model`. `threshold` replaces the list's own, `ignorable` are patterns of
    keys that the network has no place for.

    Raises:
        CardError: settings are missing or contradict one another.
    """
    settings = TaggerSettings(
        family="ram",
        vocabulary=vocabulary,
        network=network,
        ids=ids,
        tags=beside_card(origin, tags, "tags"),
        threshold=threshold,
        repository=repository,
        file=file,
        sha256=sha256,
        directory=directory,
        text_model=text_model,
        text_weights=beside_card(origin, text_weights, "text_weights"),
        ignorable=ignorable,
    )
    settings.check(origin.name)
    return TaggerCheckpoint(origin, settings)
