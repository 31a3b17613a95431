"""What a task's protocol states, and the digest by which results are comparable."""

from collections.abc import Sequence
from dataclasses import replace

from vlbench.core.contracts import Text
from vlbench.core.digest import digest_of
from vlbench.core.task import ProtocolStatement, TaskRequest

SYNONYMS = "synonyms"
"""The column of a names file with further words for a text, a bar between them (`shocked|spooked`)."""

BARE = ("{}",)
"""The templates of texts that stand alone."""

TIE_RULE = "the rank of a right answer is 1 + the number of wrong ones scoring at least as high"


def state_protocol(
    request: TaskRequest, *, kind: str, texts: Sequence[Text], templates: Sequence[str], primary: str
) -> ProtocolStatement:
    """State a protocol: kind, names with their ids, templates, primary metric, tie rule.

    Texts that come with the data (captions) are not part of it. Data that no card counts are: two
    folders of a user are two protocols. Descriptions take the place of the templates, under their digest.
    """
    described = [[text.name, *text.descriptions] for text in texts if text.descriptions]
    statement: dict[str, object] = {
        "kind": kind,
        "texts": [[text.name, dict(text.ids)] for text in texts],
        "templates": [] if described and len(described) == len(texts) else list(templates),
        "primary": primary,
        "ties": TIE_RULE,
        "settings": dict(request.settings),
    }
    if described:
        statement["descriptions"] = digest_of(described)
    if request.expect.images is None:
        statement["data"] = request.source.revision
    summary = {**statement, "texts": len(texts)}
    return ProtocolStatement(request.protocol, digest_of(statement), summary)


def asked(text: Text, templates: Sequence[str]) -> Text:
    """Give a text its prompts: its name and synonyms in every template; none where it has descriptions.

    A model averages over all prompts with equal weight.

    >>> asked(Text("sad", ids={"synonyms": "low|blue"}), ["{}!", "{}?"]).prompts
    ('sad!', 'sad?', 'low!', 'low?', 'blue!', 'blue?')
    """
    words = (text.name, *filter(None, text.ids.get(SYNONYMS, "").split("|")))
    prompts = tuple(template.replace("{}", word) for word in words for template in templates)
    return replace(text, prompts=() if text.descriptions else prompts)
