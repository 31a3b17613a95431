"""Damage to files of one format: texts by their grammar, binary files by their headers."""

import gzip
import io
import json
import struct
import zlib
from contextlib import suppress

import yaml
from fuzz.mutation import Damage

_FOOTER = 8
BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 13))


def by_bytes(data: bytes, damage: Damage) -> bytes:
    """Bytes changed anywhere, or within the first few, where headers lie."""
    focus = (0, damage.rng.choice((16, 64, 512))) if damage.rng.random() < 0.6 else None
    return damage.in_bytes(data, focus)


def by_text(data: bytes, damage: Damage) -> bytes:
    """A text's lines, cells and encoding changed."""
    return damage.text(data)


def by_json(data: bytes, damage: Damage) -> bytes:
    """A JSON file's values changed."""
    return damage.json(data)


def by_json_lines(data: bytes, damage: Damage) -> bytes:
    """Lines of JSON changed."""
    return damage.json_lines(data)


def by_yaml(data: bytes, damage: Damage) -> bytes:
    """Fields of YAML changed, or what its grammar offers put in: anchors, tags, merges, nests."""
    if damage.rng.random() < 0.5:
        fields = damage.tree(yaml.safe_load(data))
        if "\\u0002" in json.dumps(fields):
            return damage.written_out(json.dumps(fields)).encode()
        return yaml.safe_dump(fields, allow_unicode=damage.rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    lines = data.decode().split("\n")
    depth = damage.rng.choice((50, 1_000, 20_000))
    put = (
        *(
            "a: &a [*a]",
            "a: &a {b: *a}",
            "<<: *a",
            "<<: [1]",
            "<<: {title: x}",
            "a: &a\n  b: *a",
            "? [a, b]\n: c",
        ),
        *(
            "a: !!python/object/apply:os.system ['echo']",
            "a: !!binary =",
            "a: !!timestamp 1",
            "a: !!set {b}",
            "%TAG",
        ),
        *(
            "a: !!int x",
            "a: !!float x",
            "a: !x y",
            "- a",
            "\t- a",
            "a: |\n x",
            "a: >9\n x",
            "a: 'b",
            "{",
            "}",
            "---",
        ),
        *(
            "title: 2001-01-01",
            "title: 0o9",
            "title: 1" + "0" * 5_000,
            "a: 1e999999",
            "&a : *a",
            "*a : b",
            "? \n: ",
        ),
        *("a: " + "[" * depth, "a: " + "{a: " * depth, "- " * depth + "a", BOMB, "title: &t x\nabout: *t"),
        f"{damage.word()}: {damage.word()}",
    )
    for _ in range(damage.some(2)):
        at = damage.rng.randint(0, len(lines))
        lines.insert(at, damage.rng.choice(put))
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return damage.text(text) if damage.rng.random() < 0.2 else text


def by_xml(data: bytes, damage: Damage) -> bytes:
    """Elements of XML cut, nested or declared otherwise."""
    depth = damage.rng.choice((100, 10_000))
    entity = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    put = (
        b"<a>" * depth,
        b"&b;",
        b"&#0;",
        b"&#xD800;",
        entity,
        b"<![CDATA[",
        b"<name/>",
        b"</object>",
        b"<object>",
    )
    at = damage.rng.choice((0, damage.rng.randint(0, len(data))))
    return data[:at] + damage.rng.choice(put) + data[at:] if damage.rng.random() < 0.3 else damage.text(data)


def by_gzip(data: bytes, damage: Damage) -> bytes:
    """What is compressed changed, or its header and trailer."""
    if damage.rng.random() < 0.3:
        with suppress(OSError, EOFError, zlib.error):  # damaged before
            return gzip.compress(damage.text(gzip.decompress(data)), mtime=0)
    if damage.rng.random() < 0.3:
        return damage.in_bytes(data, (max(0, len(data) - _FOOTER), len(data)))
    more = (
        data + data[: len(data) // 2],
        data + b"\0" * 100,
        data + b"trailing",
        zlib.compress(data),
        data[:-1],
    )
    return damage.rng.choice(more) if damage.rng.random() < 0.3 else by_bytes(data, damage)


_OPCODES = b"().0123456789FIJKLMNPQRSTUVXabcdeghijlopqrst}]\x80\x82\x85\x8c\x93\x94\x95"


def by_pickle(data: bytes, damage: Damage) -> bytes:
    """An opcode replaced by another, or the bytes."""
    if damage.rng.random() < 0.5:
        return by_bytes(data, damage)
    at = damage.rng.randrange(min(len(data), 4_000))
    return data[:at] + bytes([damage.rng.choice(_OPCODES)]) + data[at + damage.rng.randrange(2) :]


def by_npy(data: bytes, damage: Damage) -> bytes:
    """The header of an array, a Python literal, changed; or its bytes."""
    end = data.find(b"}") + 1
    if end == 0 or damage.rng.random() < 0.3:
        return by_bytes(data, damage)
    header = damage.rng.choice(
        (
            *(b"{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", b"(" * 100, b"{", b"1", b"{'a': 1}"),
            b"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999,)}",
            b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            b"{'descr': '<f4', 'fortran_order': False, 'shape': (2.5,)}",
            b"{'descr': [('a', '<f4')], 'fortran_order': 1, 'shape': ()}",
            b"{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}",
            damage.text(data[10:end]),
        )
    )
    return data[:8] + struct.pack("<H", len(header) % 65_536) + header + data[end:]


def by_safetensors(data: bytes, damage: Damage) -> bytes:
    """The JSON header changed, its length, or the bytes."""
    (length,) = struct.unpack("<Q", data[:8])
    if damage.rng.random() < 0.6:
        header = damage.json(data[8 : 8 + length])
        return struct.pack("<Q", len(header)) + header + data[8 + length :]
    if damage.rng.random() < 0.3:
        return (
            struct.pack("<Q", damage.rng.choice((0, 1, length - 1, length + 1, 2**40, 2**64 - 1))) + data[8:]
        )
    return damage.in_bytes(data, (0, 8 + length))


def by_parquet(data: bytes, damage: Damage) -> bytes:
    """The footer's bytes, where most of what is believed stands; or the table's columns replaced."""
    (length,) = struct.unpack("<I", data[-_FOOTER:-4])
    if damage.rng.random() < 0.5:
        return damage.in_bytes(data, (len(data) - _FOOTER - length, len(data)))
    if damage.rng.random() < 0.3:
        return damage.in_bytes(data, (0, len(data) - _FOOTER - length))
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[object]] = pq.read_table(io.BytesIO(data)).to_pydict()
    name, out = damage.rng.choice(list(columns)), io.BytesIO()
    rows = len(columns[name])
    what = damage.rng.randrange(4)
    if what == 0:
        columns[name] = [
            damage.rng.choice((b"a", "a", 1, 0.5, None, [1], {"bytes": b"a", "path": "a"}))
        ] * rows
    elif what == 1:
        columns = {damage.word() if each == name else each: of for each, of in columns.items()}
    elif what == 2:
        columns[name] = [None] * rows
    else:
        row = damage.rng.randrange(rows)
        old = columns[name][row]
        new: object = damage.word() if isinstance(old, str) else damage.rng.choice((-1, 2**40, None))
        if isinstance(old, dict):
            new = {**old, damage.rng.choice(list(old)): damage.rng.choice((None, b"", b"a"))}
        columns[name] = [new if at == row else each for at, each in enumerate(columns[name])]
    try:
        pq.write_table(pa.table(columns), out)
    except (pa.ArrowException, TypeError, UnicodeError):
        return damage.in_bytes(data)
    return out.getvalue()
