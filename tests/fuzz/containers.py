"""Damage to a file by what it is; archives are taken apart, damaged inside, and put together again."""

import io
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import PurePosixPath

import yaml
from fuzz.formats import (
    by_bytes,
    by_gzip,
    by_json,
    by_json_lines,
    by_npy,
    by_parquet,
    by_pickle,
    by_safetensors,
    by_text,
    by_xml,
    by_yaml,
)
from fuzz.mutation import Damage

Change = Callable[[bytes, Damage], bytes]
_DAMAGED = (
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    yaml.YAMLError,
    EOFError,
    OSError,
    LookupError,
)
_TRIES = 4


def damaged(name: str, data: bytes, damage: Damage) -> bytes:
    """A file's bytes, damaged as its name says it is read, one time in eight as bytes alone."""
    change = BY_SUFFIX.get(PurePosixPath(name).suffix.lower(), by_bytes)
    if damage.rng.random() < 0.125:
        change = by_bytes
    for _ in range(_TRIES):
        try:
            changed = change(data, damage)
        except (ValueError, RecursionError, OverflowError, LookupError, *_DAMAGED):
            change = by_bytes  # that change cannot be written down, or the file is none of its kind
        else:
            if changed != data:
                return changed
    return by_bytes(data, damage)


_TAR_KINDS = (
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.DIRTYPE,
)
_PAX = (
    "size",
    "mtime",
    "path",
    "linkpath",
    "uid",
    "comment",
    "GNU.sparse.major",
    "GNU.sparse.map",
    "hdrcharset",
)


def by_tar(data: bytes, damage: Damage) -> bytes:
    """Members renamed, of other kinds, with PAX headers, damaged inside; or the bytes of some header."""
    if damage.rng.random() < 0.4:
        block = 512 * damage.rng.randrange(max(1, len(data) // 512))
        return damage.in_bytes(data, (block, block + 512))
    out, rng = io.BytesIO(), damage.rng
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        members = old.getmembers()
        chosen = rng.randrange(len(members))
        for number, member in enumerate(members):
            extracted = old.extractfile(member)
            content = b"" if extracted is None else extracted.read()
            if number == chosen:
                what = rng.randrange(5)
                if what == 0:
                    member.name = damage.word() + rng.choice(("", ".png", ".cls", ".jpg", "/a.webp"))
                elif what == 1:
                    member.type, member.linkname = rng.choice(_TAR_KINDS), damage.word()
                elif what == 2:
                    member.pax_headers = {rng.choice(_PAX): damage.word()}
                elif what == 3:
                    content = damaged(member.name, content, damage)
                    member.size = len(content)
                else:
                    member.mtime = rng.choice((0, -1, 1e30, 0.5, 2**70))
            new.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return out.getvalue()


def by_zip(data: bytes, damage: Damage) -> bytes:
    """Members damaged, left out, doubled or renamed; or the bytes of the directory at the end."""
    rng = damage.rng
    if rng.random() < 0.6:
        marks = (b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04")
        at = data.rfind(rng.choice(marks)) if rng.random() < 0.6 else data.find(rng.choice(marks))
        return damage.in_bytes(data, (at, at + 64)) if at >= 0 else by_bytes(data, damage)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at = rng.randrange(len(members))
    name, content = members[at]
    what = rng.randrange(5)
    if what == 0:
        members.pop(at)
    elif what == 1:
        members.append((name, content))
    elif what == 2:
        members[at] = (damage.word().replace("\ud800", "").replace("\udfff", "")[:60_000], content)
    else:
        members[at] = (name, damaged(name, content, damage))
    packed, out = (
        rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
        io.BytesIO(),
    )
    how = packed if rng.random() < 0.3 else zipfile.ZIP_STORED
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", how) as archive:
        warnings.simplefilter("ignore")  # a name stands twice
        for name, content in members:
            with suppress(UnicodeEncodeError):
                archive.writestr(name.partition("\0")[0] or "-", content)
    return out.getvalue()


BY_SUFFIX: Mapping[str, Change] = {
    **dict.fromkeys((".json", ".ipynb"), by_json),
    ".jsonl": by_json_lines,
    **dict.fromkeys((".csv", ".tsv", ".txt", ".lst", ".md"), by_text),
    **dict.fromkeys((".yaml", ".yml"), by_yaml),
    ".xml": by_xml,
    ".gz": by_gzip,
    ".tar": by_tar,
    **dict.fromkeys((".zip", ".pt", ".pth", ".npz", ".bin", ".ts"), by_zip),
    **dict.fromkeys((".pkl", ".legacy"), by_pickle),
    ".npy": by_npy,
    ".safetensors": by_safetensors,
    ".parquet": by_parquet,
}
