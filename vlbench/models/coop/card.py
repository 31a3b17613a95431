"""The model card that makes a context file a model with a name."""

import json
from collections.abc import Sequence

from vlbench.models.coop.checkpoint import NAME


def card_text(
    *,
    title: str,
    base: str,
    context: str,
    about: str,
    replicate_of: str = "",
    base_weights: str = "",
    trained_on: Sequence[str] | None = None,
    tuned_on: Sequence[str] = (),
) -> str:
    """A model card of a base and the context file `context` beside the card, as YAML.

    `replicate_of` is the leaderboard row that the model is one seed of; empty if it stands alone.
    `base_weights` is the user's own file for the base; empty for the base's own. `trained_on` are the data
    sets that base and context saw, None where the base's are unknown; `tuned_on` those of the context then.
    """
    settings = {"base": base, "context": context}
    if base_weights:
        settings["base_weights"] = base_weights
    if replicate_of:
        settings["replicate_of"] = replicate_of
    fields: dict[str, object] = {
        "title": title,
        "adapter": NAME,
        "settings": settings,
        "family": NAME,
        "about": about,
        "paper": {"title": "Learning to Prompt for Vision-Language Models", "arxiv": "2109.01134"},
    }
    if trained_on is not None:
        fields["trained_on"] = list(trained_on)
    elif tuned_on:
        fields["tuned_on"] = list(tuned_on)
    # JSON is YAML, and quotes what YAML would read as something else
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
