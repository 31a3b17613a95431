"""What a task's protocol states, and the digest by which results are comparable."""

from collections.abc import Sequence

from vlbench.core.contracts import ProtocolStatement, TaskRequest, Text
from vlbench.core.digest import digest_of

TIE_RULE = "the rank of a right answer is 1 + the number of wrong ones scoring at least as high"


def state_protocol(
    request: TaskRequest, *, kind: str, texts: Sequence[Text], templates: Sequence[str], primary: str
) -> ProtocolStatement:
    """State a protocol: kind, names with their ids, templates, primary metric, tie rule.

    Texts that come with the data (captions) are not part of it. Data that no card counts are: two
    folders of a user are two protocols.
    """
    statement: dict[str, object] = {
        "kind": kind,
        "texts": [[text.name, dict(text.ids)] for text in texts],
        "templates": list(templates),
        "primary": primary,
        "ties": TIE_RULE,
        "settings": dict(request.settings),
    }
    if request.expect.images is None:
        statement["data"] = request.source.revision
    summary = {**statement, "texts": len(texts)}
    return ProtocolStatement(request.protocol, digest_of(statement), summary)


def fill_templates(name: str, templates: Sequence[str]) -> tuple[str, ...]:
    """A name in every template.

    >>> fill_templates("dog", ["a photo of a {}.", "{}"])
    ('a photo of a dog.', 'dog')
    """
    return tuple(template.replace("{}", name) for template in templates)
