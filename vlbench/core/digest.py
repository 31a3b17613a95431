"""Digests: of values, of files, of the source code of functions; each names content, never a place."""

import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

HEX = 32
"""Length of a digest in hexadecimal digits (128 bits)."""


def digest_of(value: object) -> str:
    """Digest of a value made of strings, numbers, None, lists, tuples and mappings.

    >>> digest_of({"b": 1, "a": (2,)}) == digest_of({"a": [2], "b": 1})
    True
    """
    return digest_of_bytes(_ENCODER.encode(value).encode())


def digest_of_bytes(data: bytes) -> str:
    """Digest of bytes."""
    return hashlib.blake2b(data, digest_size=HEX // 2).hexdigest()


def digest_of_strings(strings: Iterable[str]) -> str:
    """Digest of a sequence of strings, order included; lengths keep neighbours apart."""
    state = hashlib.blake2b(digest_size=HEX // 2)
    for string in strings:
        data = string.encode()
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_code(*functions: Callable[..., object]) -> str:
    """Digest of the source that defines functions, so that a changed formula is computed anew.

    A module of a package stands for all modules beside it, since it may call them; a `partial` for the
    function that it binds, whose arguments are no part of the digest.
    """
    paths: set[Path] = set()
    for function in functions:
        path = defining_file(function)
        in_package = "." in getattr(_bound(function), "__module__", "")
        paths.update(path.parent.glob("*.py") if in_package else [path])
    return digest_of_modules(*paths)


def defining_file(function: Callable[..., object]) -> Path:
    """The file of the module that defines a function, or the class of what is called like one."""
    module = sys.modules.get(getattr(_bound(function), "__module__", ""))
    return Path(getattr(module, "__file__", None) or inspect.getfile(_bound(function)))


def _bound(function: Callable[..., object]) -> Callable[..., object]:
    """A function, of a `partial` the one that it binds."""
    while isinstance(function, partial):
        function = function.func
    return function


def digest_of_modules(*paths: Path) -> str:
    """Digest of source files, whatever the order they are named in."""
    return digest_of_strings(path.read_text(encoding="utf-8") for path in sorted(set(paths)))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no digest")


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
