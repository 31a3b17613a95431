"""A task card as a request to its kind: its texts, its expectations, the source that has the data."""

from vlbench.cards.card_file import ReadCard
from vlbench.cards.data_request import DataRequest
from vlbench.cards.folders import Entry
from vlbench.cards.schema import TaskCard
from vlbench.cards.source_search import no_data, search_sources
from vlbench.cards.texts import card_names, card_templates, read_templates
from vlbench.core.method import SplitName
from vlbench.core.task import Expectation, TaskRequest


def card_request(
    entry: Entry, read: ReadCard[TaskCard], request: DataRequest, split: SplitName | None = None
) -> TaskRequest:
    """What a card asks of its task kind, of the half of its classes that the entry says.

    It is asked of the card's own data, or of another `split` that it names, whose images it does not count.
    The split is part of the protocol: it enters the settings, which the protocol's digest covers.

    Raises:
        CardError: the file of names or templates is wrong.
        DataError: no source has the data, or descriptions are missing or wrong.
        Unsupported: a half is asked for, and an image has no class.
    """
    card, place = read.card, request.place(entry.path.parent)
    part = card if split is None else getattr(card, split)
    search = search_sources(entry, read, request, split)
    source = search.source
    if source is None:
        raise no_data(entry.name, search.passed_over)
    names = None if request.classnames is not None else card_names(card, place, entry.name)
    remarks: tuple[str, ...] = ()
    if request.classnames is not None or request.descriptions is not None or card.descriptions is not None:
        from vlbench.cards.descriptions import find_descriptions
        from vlbench.cards.own_texts import texts_in_place

        descriptions = request.descriptions
        if descriptions is None and card.descriptions is not None:
            descriptions = find_descriptions(card.descriptions, place, entry.name)
        names, remarks = texts_in_place(
            names,
            lambda: card_names(card, place, entry.name) or (),
            source,
            request,
            descriptions=descriptions,
            task=entry.name,
            kind=card.kind,
        )
    if request.classnames is None and source.offers.names and len(source):
        from vlbench.core.names_found import compare_names

        remarks = (*compare_names(source, names or source.offers.names).differs, *remarks)
    templates = request.templates
    asked = TaskRequest(
        name=entry.name,
        protocol=card.protocol,
        source=source,
        names=names,
        templates=card_templates(card, place, entry.name) if templates is None else read_templates(templates),
        metrics=card.metrics,
        primary=card.primary,
        expect=Expectation(images=card.expect.images if split is None else None, texts=card.expect.texts),
        allow_subset=request.allow_subset,
        settings={**card.settings, "split": part.split} if part.split else card.settings,
        remarks=remarks,
    )
    if entry.half is None:
        return asked
    from vlbench.cards.class_half import class_half

    return class_half(asked, entry.half)
