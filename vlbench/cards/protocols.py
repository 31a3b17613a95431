"""The protocols of task cards, field by field, so that differences between two can be named."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from vlbench.cards.card_file import parse_card
from vlbench.cards.catalogue import Catalogue, Reference, find
from vlbench.cards.class_half import half_names
from vlbench.cards.folders import Entry, Half
from vlbench.cards.schema import TaskCard
from vlbench.cards.texts import card_names, read_names, read_templates
from vlbench.core.contracts import Place
from vlbench.core.digest import digest_of
from vlbench.core.errors import UnknownName
from vlbench.core.protocol import SYNONYMS, TIE_RULE
from vlbench.core.published import CardProtocol, ProtocolField


def card_protocols(names: Iterable[str], catalogue: Catalogue) -> dict[str, CardProtocol]:
    """The protocols of the names that have a card, also of halves of a task's classes (`X@base`).

    Raises:
        CardError: a card or its file of names or templates is wrong.
    """
    found = {}
    for name in names:
        try:
            entry = find(catalogue, name, "task")
        except UnknownName:
            continue
        if not isinstance(entry, Reference):
            found[name] = card_protocol(entry)
    return found


def card_protocol(entry: Entry) -> CardProtocol:
    """The protocol of a card, for the half of its classes in the entry.

    Raises:
        CardError: the card or its file of names or templates is wrong.
    """
    card = parse_card(entry, TaskCard)
    folder = entry.path.parent
    templates = _templates(folder, card)
    fields = {"question": _word(card.kind), **_names(folder, card), "templates": _listed(card, templates)}
    fields |= {"descriptions": _word(card.descriptions or "none")}
    fields |= {"split": _word(card.split or "not stated"), "classes": _word(entry.half or "all")}
    if card.expect.images is not None:
        fields["images"] = _word(f"{card.expect.images:,}")
    if card.settings:
        shown = ", ".join(f"{key}={value}" for key, value in sorted(card.settings.items()))
        fields["settings"] = ProtocolField(digest_of(card.settings), shown)
    half = f"@{entry.half}" if entry.half is not None else ""
    return CardProtocol(
        task=f"{entry.name}{half}",
        protocol=f"{card.protocol}{half}",
        fields=fields,
        texts=None if entry.half is not None else card.expect.texts,
        templates=None if card.descriptions is not None else templates,
        covered=_covered(folder, card, entry.half, templates),
    )


def _covered(
    folder: Path, card: TaskCard, half: Half | None, templates: Sequence[str] | None
) -> dict[str, object]:
    """The fields of a card that the protocol digest covers, without texts that come with the data."""
    split = {"split": card.split} if card.split else {}
    classes = {"classes": half} if half is not None else {}
    covered: dict[str, object] = {
        "kind": card.kind,
        "primary": card.primary,
        "ties": TIE_RULE,
        "settings": {**card.settings, **split, **classes},
    }
    if templates is not None:
        covered["templates"] = list(templates)
    if card.names is not None and (folder / card.names).is_file():
        names = card_names(card, Place((), card_folder=folder), card.title) or ()
        names = names if half is None else half_names(names, half)
        covered["texts"] = [[text.name, dict(text.ids)] for text in names]
    return covered


def _names(folder: Path, card: TaskCard) -> dict[str, ProtocolField]:
    if card.names is None:
        return {}
    if not (folder / card.names).is_file():
        return {"names": _word(card.names)}
    texts = read_names(folder / card.names)
    content = [[text.name, text.ids.get(SYNONYMS, "")] for text in texts]
    return {"names": ProtocolField(digest_of(content), f"{len(content):,} of {card.names}")}


def _templates(folder: Path, card: TaskCard) -> tuple[str, ...] | None:
    """The card's templates; None if it has none, or they are a file of the user."""
    if card.templates is None or not (folder / card.templates).is_file():
        return None
    return read_templates(folder / card.templates)


def _listed(card: TaskCard, templates: tuple[str, ...] | None) -> ProtocolField:
    if templates is None:
        return _word(card.templates or "those of the data")
    return ProtocolField(digest_of(templates), f"{len(templates)} of {card.templates}")


def _word(word: str) -> ProtocolField:
    return ProtocolField(word, word)
