"""The files of classes: the names that the authors' scripts give them, safe on every disk, each once."""

import re

from vlbench.core.files import file_name


def class_files(names: tuple[str, ...]) -> tuple[str, ...]:
    """The name of each class's file, without suffix: letters and digits as they are, and `_` for all else.

    Of names that are equal but for case and signs, all but the first get their number.

    >>> class_files(("C-130 (plane)", "missile", "Missile", "?"))
    ('C_130_plane', 'missile', 'Missile_3', 'class_4')
    """
    found: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        plain = re.sub(r"[\W_]+", "_", name).strip("_") or f"class_{number}"
        while plain.casefold() in taken:
            plain += f"_{number}"
        taken.add(plain.casefold())
        found.append(file_name(plain))
    return tuple(found)
