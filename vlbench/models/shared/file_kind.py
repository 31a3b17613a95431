"""Recognises by its bytes what a file is where weights are expected. Imports no torch."""

import re
from pathlib import Path
from zipfile import ZipFile

from vlbench.core.errors import WeightsError
from vlbench.core.zip_file import ZIP, opened_zip
from vlbench.models.shared.weights import is_safetensors

_HEAD = 1024
_SHOWN = 60
"""How many characters of a text an error quotes."""

_PAGE = re.compile(rb"\s*(?:<!doctype|<html|<head|<\?xml)", re.IGNORECASE)
_MAGIC = (
    (b"\x1f\x8b", "compressed by gzip; unpack it: gunzip"),
    (b"BZh", "compressed by bzip2; unpack it"),
    (b"\xfd7zXZ\x00", "compressed by xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"\x89HDF", "an HDF5 file of Keras, which is not read; save a state dict of torch"),
    (b"GGUF", "a GGUF file of quantised weights, which are not read; fetch the original weights"),
)
_TAR_AT, _TAR = 257, b"ustar"


def check_kind(path: Path) -> None:
    """Raise WeightsError if a file is clearly not weights; the message tells what it is."""
    if (found := other_kind(path)) is not None:
        raise WeightsError(f"{path}: {found}")


def other_kind(path: Path) -> str | None:
    """What a file is that is clearly not weights, and what to do; None for any other file."""
    head = _head(path)
    if not head:
        return "an empty file, no weights; fetch it again"
    if is_safetensors(path):
        return None
    if head.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS, not the weights themselves; run git lfs pull, or fetch the file itself"
    if _PAGE.match(head):
        return (
            "a web page (HTML), no weights; it was fetched in place of the file: check the address and "
            "whether it wants a login, and fetch the file itself"
        )
    if b"weight_map" in head and head.lstrip()[:1] == b"{":
        return "an index of weights in several files, which are not read; save them as one file"
    if head.lstrip()[:1] in (b"{", b"[") and (text := _as_text(head)) is not None:
        return f"JSON text, no weights ({text}); fetch the file itself"
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return what
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "a tar archive; unpack it"
    if (text := _as_text(head)) is not None:
        return f"text, no weights ({text}); fetch the file itself"
    return _of_zip(path) if head.startswith(ZIP) else None


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip that has constants besides its data."""
    if not is_zip(path):
        return False
    with opened_zip(path, path, error=WeightsError) as archive:
        return archive_root(archive) is not None


def uses_quick_gelu(path: Path) -> bool:
    """Whether the code in an archive computes x * sigmoid(1.702 x), as OpenAI's does; False for other files.

    The constant may be a tensor in the archive; nothing else in a CLIP uses a sigmoid.
    """
    if not is_torchscript(path):
        return False
    with opened_zip(path, path, error=WeightsError) as archive:
        return any(b"sigmoid(" in archive.read(name) for name in archive.namelist() if name.endswith(".py"))


def is_zip(path: Path) -> bool:
    """Whether torch takes a file for a zip archive: by its first bytes."""
    return _head(path).startswith(ZIP)


def archive_root(archive: ZipFile) -> str | None:
    """The folder of a TorchScript archive in its zip file; None for other zip files."""
    names = [name for name in archive.namelist() if re.fullmatch(r"(?:[^/]+/)?constants\.pkl", name)]
    return names[0].removesuffix("constants.pkl") if names else None


def _of_zip(path: Path) -> str | None:
    """What a zip file is that neither torch nor numpy wrote; None for theirs."""
    with opened_zip(path, path, error=WeightsError) as archive:
        names = archive.namelist()
    if any(
        name.rpartition("/")[2] in ("data.pkl", "constants.pkl") or name.endswith(".npy") for name in names
    ):
        return None
    return f"a zip archive of {len(names)} other files, no weights; unpack it"


def _as_text(head: bytes) -> str | None:
    """The beginning of a text on one line; None if the bytes are not text."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else a letter cut in two
            return None
        text = head[: error.start].decode("utf-8")
    if not all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        return None
    line = " ".join(text.split())
    return f"{line[:_SHOWN]} ..." if len(line) > _SHOWN else line


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)
