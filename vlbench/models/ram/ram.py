"""RAM and RAM++: taggers of a list of their own or, through a CLIP text tower, of tags of any name.

Zhang et al. 2023 (RAM), Huang et al. 2023 (RAM++).
"""

from collections.abc import Callable
from typing import Literal

from vlbench.core.contracts import Origin
from vlbench.models.ram.checkpoint import TaggerCheckpoint, beside_card
from vlbench.models.ram.settings import TaggerSettings, TaggerSize, Vocabulary


def open_set_adapter(family: Literal["ram", "ram_plus"]) -> Callable[..., TaggerCheckpoint]:
    """The adapter of a family; its keyword-only parameters are a card's settings."""

    def tagger(
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
            family=family,
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

    tagger.__name__ = tagger.__qualname__ = family
    return tagger


ram = open_set_adapter("ram")
ram_plus = open_set_adapter("ram_plus")
