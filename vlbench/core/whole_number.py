"""Whole numbers in texts from outside."""

_MOST_DIGITS = 18
"""They fit into 64 bits. Python turns no more than 4,300 digits into a number."""


def whole_number(text: str) -> int | None:
    """The number that digits from 0 to 9 write; None for any other text, and for one of too many digits.

    >>> whole_number("007"), whole_number("-1"), whole_number("9" * 19)
    (7, None, None)
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
