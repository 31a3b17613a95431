"""Paths that annotations state, kept inside the folder that they start from."""

import posixpath

from vlbench.core.errors import DataError


def inner_path(path: str, where: str) -> str:
    """A relative path with forward slashes, without `.` and doubled slashes; `where` says what states it.

    >>> inner_path("./a//b.png", "line 1")
    'a/b.png'

    Raises:
        DataError: it is empty, absolute, or leads out of its folder.
    """
    name = posixpath.normpath(path)
    if not path or posixpath.isabs(name) or name.split("/")[0] == ".." or name == ".":
        raise DataError(f"{where}: {path!r} leads out of the folder of images; give a path inside it")
    return name
