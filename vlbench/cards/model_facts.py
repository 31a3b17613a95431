"""What a model card states, resolved: its published scores, and whether it can run here now."""

from dataclasses import asdict, dataclass

from vlbench.cards.availability import missing_package, places
from vlbench.cards.card_file import parse_card
from vlbench.cards.folders import Entry
from vlbench.cards.published import published_of
from vlbench.cards.schema import ModelCard
from vlbench.core.files import shown
from vlbench.core.published import PublishedScore


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model card, resolved.

    `weights_here` is the place that has its weights, `weights_sought` the places that may: none where
    they come by `--weights` or from a base model. `install` names what has to be installed.
    """

    name: str
    file: str
    card: dict[str, object]
    published: tuple[PublishedScore, ...]
    weights_here: str | None
    weights_sought: tuple[str, ...]
    install: str

    def as_json(self) -> dict[str, object]:
        """The facts as plain values."""
        return {"what": "model", **asdict(self)}


def model_facts(entry: Entry) -> ModelFacts:
    """The facts of a model card.

    Raises:
        CardError: the card is wrong.
    """
    card = parse_card(entry.path, ModelCard)
    sought = tuple(places(entry, ()))
    return ModelFacts(
        name=entry.name,
        file=shown(entry.path),
        card=card.model_dump(mode="json"),
        published=published_of(model=entry.name),
        weights_here=next((place.shown for place in sought if place.found), None),
        weights_sought=tuple(place.shown for place in sought),
        install=missing_package(card.adapter),
    )
