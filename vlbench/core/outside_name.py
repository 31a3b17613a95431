"""Names from outside: the one door through which they pass before they name a file, a folder or a revision.

Annotations, cards, servers, results and models state them, and none of these may choose what is read or
written elsewhere.
"""

import os
import posixpath
import re
import unicodedata
from typing import NewType

from vlbench.core.errors import DataError, VlbenchError

InnerPath = NewType("InnerPath", str)
"""A relative path that stays in its folder: the door let it through, or the disk listed it."""
HERE = InnerPath(".")
"""The folder itself."""
LONGEST = 255
"""Bytes of a name on usual disks."""
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE)
"""What Windows takes for a device, whatever suffix follows."""
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSEEN = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Unicode's categories of control characters, halves of characters and separators of lines."""
COMMIT = re.compile(r"[0-9a-f]{40}")
"""A commit as git writes it, in full."""
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_SHOWN = 60
_LOCALE = "set LC_ALL=C.UTF-8, or PYTHONUTF8=1"


def inner_path(path: str, where: str, error: type[VlbenchError] = DataError) -> InnerPath:
    """A relative path with forward slashes, without `.` and doubled slashes; `where` says what states it.

    >>> inner_path("./a//b.png", "line 1")
    'a/b.png'

    Raises:
        VlbenchError: as `error`: it is empty or absolute, leads out of its folder, or has a part that is no
            name of a file on every machine.
    """
    name = posixpath.normpath(path)
    wrong = wrong_path(path) or ("names no file; give a path" if name == HERE else "")
    if wrong:
        raise error(f"{where}: {_quoted(path)} {wrong}")
    return InnerPath(name)


def inner_folder(path: str, where: str, error: type[VlbenchError] = DataError) -> InnerPath:
    """A relative path as of `inner_path`, which may also be `.`, the folder itself.

    Raises:
        VlbenchError: as `inner_path`.
    """
    return HERE if path and posixpath.normpath(path) == HERE else inner_path(path, where, error)


def plain_name(name: str, where: str, error: type[VlbenchError] = DataError) -> InnerPath:
    """One part of a path, which lies right in its folder and is not hidden.

    Raises:
        VlbenchError: as `inner_path`, or it has several parts, or begins with a dot.
    """
    if "/" in name or name.startswith("."):
        raise error(f"{where}: {_quoted(name)} holds a / or begins with a dot; write a plain name")
    return inner_path(name, where, error)


def wrong_path(path: str) -> str:
    """Why a path is none that stays in its folder, and what to do; empty where it is one.

    >>> wrong_path("a/../../b"), wrong_path("a/nul.png"), wrong_path("a/b.png")[:1]
    ('leads out of the folder; give a path inside it', "holds 'nul.png', which Windows keeps; rename it", '')
    """
    if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
        return "leads out of the folder; give a path inside it"
    if not path:
        return "names no file; give a path"
    if "\\" in path:
        return "holds a backslash; write / between folders"
    if not path.isprintable():
        odd = next((each for each in path if unicodedata.category(each) in _UNSEEN), "")
        if odd:
            return f"holds {odd!r}, which no name of a file has to; rename the file"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return f"cannot be named under this locale; {_LOCALE}"
    for part in path.split("/"):
        if len(part.encode()) > LONGEST:
            return f"has a part of more than {LONGEST} bytes; shorten it"
        if _DEVICE.fullmatch(part.partition(".")[0].rstrip()):
            return f"holds {part!r}, which Windows keeps; rename it"
        if part not in ("", ".") and not part.strip(". "):
            return f"holds {part!r}, which is no name; rename it"
    return ""


def no_text(name: str) -> str:
    r"""Why a name that the disk or a shell gave is no text, and what to do; empty where it is one.

    >>> no_text("caf\udce9.png"), no_text("\ud800"), no_text("café.png")
    ("the name b'caf\\xe9.png' is not UTF-8; rename it", "'\\ud800' holds half a character; correct it", '')
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        try:
            data = os.fsencode(name)
        except UnicodeEncodeError:
            return f"{name!r} holds half a character; correct it"
        try:
            return f"the name {data.decode()!r} cannot be read under this locale; {_LOCALE}"
        except UnicodeDecodeError:
            return f"the name {data!r} is not UTF-8; rename it"
    return ""


def commit_of(said: str, where: str) -> str:
    """A commit as git writes it.

    Raises:
        DataError: it is something else than 40 hexadecimal digits.
    """
    if not COMMIT.fullmatch(said):
        raise DataError(f"{where}: {_quoted(said)} is no commit of 40 hexadecimal digits; ask another server")
    return said


def digest_of_server(said: str, where: str) -> str:
    """A digest by which a server's file is held: a SHA-256, or git's SHA-1.

    Raises:
        DataError: it is something else than 64 or 40 hexadecimal digits.
    """
    if not _DIGEST.fullmatch(said):
        raise DataError(
            f"{where}: {_quoted(said)} is no digest of 64 or 40 hexadecimal digits; ask another server"
        )
    return said


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")
