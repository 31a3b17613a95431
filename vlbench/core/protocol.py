"""Protocols: what a task states about itself, and the digest by which results are comparable."""

from collections.abc import Sequence
from dataclasses import replace

from vlbench.core.contracts import Text
from vlbench.core.digest import digest_of
from vlbench.core.task import ProtocolStatement, TaskRequest

SYNONYMS = "synonyms"
"""The column of a names file that holds synonyms of a text, separated by bars (`shocked|spooked`)."""

BARE = ("{}",)
"""The templates for texts that are used as they are."""

TIE_RULE = "the rank of a right answer is 1 + the number of wrong ones scoring at least as high"


def state_protocol(
    request: TaskRequest, *, kind: str, texts: Sequence[Text], templates: Sequence[str], primary: str
) -> ProtocolStatement:
    """State a protocol: kind, names with their ids, templates, primary metric, tie rule.

    Texts that come with the data (captions) are not part of it. Data without a card are part of it: two
    folders of a user are two protocols. Descriptions replace the templates, under their digest.

    >>> from vlbench.core.contracts import Dataset
    >>> request = TaskRequest("pets", "mine", Dataset("pets", "1", ()))
    >>> texts = (Text("cat"), Text("dog"))
    >>> stated = state_protocol(
    ...     request, kind="classification", texts=texts, templates=["a {}."], primary="acc1"
    ... )
    >>> stated.name, stated.statement["templates"]
    ('mine', ['a {}.'])
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
    """Fill a text's name and synonyms into every template; a text with descriptions gets no prompts.

    A model averages all prompts of a text with equal weights.

    >>> asked(Text("sad", ids={"synonyms": "low|blue"}), ["{}!", "{}?"]).prompts
    ('sad!', 'sad?', 'low!', 'low?', 'blue!', 'blue?')
    """
    words = (text.name, *filter(None, text.ids.get(SYNONYMS, "").split("|")))
    prompts = tuple(template.replace("{}", word) for word in words for template in templates)
    return replace(text, prompts=() if text.descriptions else prompts)
