"""Text from outside in GitHub's Markdown: shown as it is, never a link, HTML or a table's end."""

import re

from vlbench.core.visible import visible

_ACTIVE = re.compile(r"[\\`*|~]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown acts on within a line; an underscore within a word is none."""


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escaped(text: str) -> Markdown:
    r"""Text that a page of Markdown shows as it is; a link's brackets stand alone elsewhere and stay.

    >>> print(escaped("a|b [x](y) <b> macro_f1 [0.4, 0.6]"))
    a\|b [x\]\(y) &lt;b> macro_f1 [0.4, 0.6]
    """
    inert = visible(text).replace("&", "&amp;").replace("<", "&lt;")
    return Markdown(_ACTIVE.sub(r"\\\g<0>", inert).replace("](", r"\]\("))
