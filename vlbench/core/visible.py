"""Text from outside as people see it: characters that a terminal obeys, or that hide, are written out."""

import json
from unicodedata import category

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, format (bidi among them) and surrogate characters, and what ends a line or a paragraph."""
_JOINERS = "\u200c\u200d"
"""Persian, Indic scripts and emoji are spelt with them."""


def visible(text: str, keep: str = "") -> str:
    r"""Write unseen characters but those of `keep` as JSON writes them, so that JSON stays what it says.

    >>> print(visible("caf\u00e9\n\x1b[2J\u202e"))
    café\n\u001b[2J\u202e
    """
    if text.isprintable():
        return text
    unseen = (each for each in set(text).difference(_JOINERS, keep) if category(each) in _UNSEEN)
    return text.translate({ord(each): json.dumps(each)[1:-1] for each in unseen})
