"""Digests of values and of files. They depend on the content, never on a path."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from vlbench.core.regular_file import open_regular

HEX = 32
"""Length of a digest in hexadecimal digits (128 bits)."""


def digest_of(value: object) -> str:
    """Digest of a value that consists of strings, numbers, None, lists, tuples and mappings.

    >>> digest_of({"b": 1, "a": (2,)}) == digest_of({"a": [2], "b": 1})
    True
    """
    return digest_of_bytes(_ENCODER.encode(value).encode())


def digest_of_bytes(data: bytes) -> str:
    """Digest of bytes.

    >>> digest_of_bytes(b"a")[:8]
    '27c35e6e'
    """
    return hashlib.blake2b(data, digest_size=HEX // 2).hexdigest()


def digest_of_strings(strings: Iterable[str]) -> str:
    """Digest of strings in their order. Their lengths count, so "ab", "c" and "a", "bc" differ.

    >>> digest_of_strings(["ab", "c"]) == digest_of_strings(["a", "bc"])
    False
    """
    state = hashlib.blake2b(digest_size=HEX // 2)
    for string in strings:
        data = string.encode()
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("a")
    ...     print(sha256_of_file(Path(folder, "a.txt"))[:8])
    ca978112
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no digest")


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
