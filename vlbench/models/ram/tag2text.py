"""Tag2Text: tagging in a fixed list, each tag with weights of its own, and captions (Huang et al. 2023)."""

from vlbench.core.contracts import Origin
from vlbench.core.errors import Unsupported
from vlbench.models.ram.checkpoint import TaggerCheckpoint, beside_card
from vlbench.models.ram.settings import CaptionSize, TaggerSettings, TaggerSize, Vocabulary

SWIN_B = TaggerSize(embed_dim=128, heads=(4, 8, 16, 32))
"""Swin-B at 384 pixels, as published."""


def tag2text(
    origin: Origin,
    /,
    *,
    vocabulary: Vocabulary = "closed",
    network: TaggerSize = SWIN_B,
    tags: str | None = None,
    ids: str = "tag2text",
    threshold: float | None = None,
    repository: str | None = None,
    file: str | None = None,
    sha256: str | None = None,
    directory: str | None = None,
    ignorable: tuple[str, ...] = (),
    captions: CaptionSize | None = None,
    word_pieces: str | None = None,
) -> TaggerCheckpoint:
    """A card's model: a file of a hub repository, of a folder beside the card, or the user's own.

    `tags` is the model's list beside the card, whose places are ids of the vocabulary `ids`; `threshold`
    replaces the list's own, `ignorable` are patterns of keys that the network has no place for. `captions`
    are sizes of the file's captioning half, None where it has none or none is wanted; it is read when
    captions are asked for. `word_pieces` is its vocabulary beside the card, None for bert-base-uncased's.

    Raises:
        CardError: settings are missing or contradict one another.
        Unsupported: an open vocabulary is asked for.
    """
    if vocabulary == "open":
        raise Unsupported(
            f"{origin.name}: Tag2Text knows the tags of its list alone; for other names take ram-plus-open"
        )
    settings = TaggerSettings(
        family="tag2text",
        vocabulary=vocabulary,
        network=network,
        ids=ids,
        tags=beside_card(origin, tags, "tags"),
        threshold=threshold,
        repository=repository,
        file=file,
        sha256=sha256,
        directory=directory,
        ignorable=ignorable,
        captions=captions,
        word_pieces=beside_card(origin, word_pieces, "word_pieces"),
    )
    settings.check(origin.name)
    return TaggerCheckpoint(origin, settings)
