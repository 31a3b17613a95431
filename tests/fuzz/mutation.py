"""Damage: bytes, texts and values as nobody means them, drawn by a seed."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fuzz.words import NUMBERS, WORDS

DEEP = "\x02deep\x03"
"""What stands for a nest too deep to be a value; it is written out in the text."""
LONG_NUMBER = "\x02number\x03"
NESTS = (100, 3_000, 100_000)
ENCODINGS = ("utf-16", "utf-16-le", "utf-8-sig", "latin-1", "utf-32", "cp037", "utf-7")


@dataclass(frozen=True, slots=True)
class Damage:
    """Draws what becomes of an input. `outside` is a file that no input may reach."""

    rng: random.Random
    outside: str

    def word(self) -> str:
        """A text that breaks something, now and then a way out of the folder."""
        if self.rng.random() < 0.15:
            up = "../" * self.rng.randint(1, 6)
            return self.rng.choice((self.outside, f"{up}canary/secret.png", f"a/../{up}canary/secret.png"))
        word = self.rng.choice(WORDS)
        return word + self.rng.choice(WORDS) if self.rng.random() < 0.1 else word

    def value(self) -> object:
        """A value of JSON, of any type."""
        kind = self.rng.randrange(8)
        if kind < 3:
            return self.word()
        if kind < 5:
            return self.rng.choice(NUMBERS)
        plain: tuple[object, ...] = (None, True, False, [], {}, [[]], [None], {"": None}, DEEP, LONG_NUMBER)
        return self.rng.choice((*plain, [self.word()], {self.word(): self.word()}))

    def some(self, most: int) -> int:
        """How many changes one input gets: mostly one."""
        return 1 if self.rng.random() < 0.6 else self.rng.randint(1, most)

    def tree(self, value: Any) -> Any:
        """A value of JSON with some of its parts replaced, renamed, left out, doubled or wrapped."""
        for _ in range(self.some(4)):
            value = self._changed(value)
        return value

    def _changed(self, value: Any) -> Any:
        """One part changed: the deeper it lies, the likelier it is met, for there are more of them."""
        inner = isinstance(value, dict | list) and len(value) > 0
        if not inner or self.rng.random() < 0.12:
            around: tuple[object, ...] = (self.value(), [value], {"a": value}, [value] * 3, str(value), None)
            return self.rng.choice(around)
        if isinstance(value, list):
            at = self.rng.randrange(len(value))
            what = self.rng.random()
            if what < 0.1:
                return value[:at] + value[at + 1 :]
            if what < 0.2:
                return [*value, value[at]]
            if what < 0.25:
                return [*value, self.value()]
            return [*value[:at], self._changed(value[at]), *value[at + 1 :]]
        key = self.rng.choice(list(value))
        what = self.rng.random()
        if what < 0.1:
            return {name: each for name, each in value.items() if name != key}
        if what < 0.18:
            return {self.word() if name == key else name: each for name, each in value.items()}
        if what < 0.23:
            return {**value, self.word(): self.value()}
        if what < 0.3:
            return {**value, key: value[self.rng.choice(list(value))]}
        return {**value, key: self._changed(value[key])}

    def json(self, data: bytes) -> bytes:
        """A file of JSON: its values changed, then perhaps its text."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return self.in_bytes(data)
        text = json.dumps(self.tree(value), ensure_ascii=self.rng.random() < 0.7)
        return self._maybe(self.written_out(text).encode("utf-8", "surrogatepass"), self.text, 0.2)

    def json_lines(self, data: bytes) -> bytes:
        """A file of a JSON value a line: some lines changed, or the lines themselves."""
        lines = data.split(b"\n")
        for _ in range(self.some(3)):
            at = self.rng.randrange(len(lines))
            if lines[at].strip():
                lines[at] = self.json(lines[at])
        return self._maybe(b"\n".join(lines), self.text, 0.2)

    def written_out(self, text: str) -> str:
        """A text in which what is too deep or too long for a value stands as itself."""
        depth, opening = self.rng.choice(NESTS), self.rng.choice(("[", '{"a":'))
        nest = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
        for mark, written in ((DEEP, nest), (LONG_NUMBER, "9" * 5_000)):
            text = text.replace(json.dumps(mark), written).replace(mark, written)
        return text

    def text(self, data: bytes) -> bytes:
        """A text: lines, separators and encoding changed, words put in."""
        for _ in range(self.some(3)):
            data = self.rng.choice((self._lines, self._lines, self._cells, self._put_in, self._encoded))(data)
        return self._maybe(data, self.in_bytes, 0.2)

    def _lines(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        at = self.rng.randrange(len(lines))
        line = lines[at]
        other: Sequence[list[bytes]] = (
            *([], [line, line], [line, b""], [self._word(), line], [self._word()], [line + b"\r"]),
            *([b'"' + line], [line[: len(line) // 2]], [line + b"," + self._word()], [b"#" + line]),
        )
        lines[at : at + 1] = self.rng.choice(other)
        return b"\n".join(lines)

    def _cells(self, data: bytes) -> bytes:
        """One cell of one line, whatever separates cells there, replaced or quoted."""
        lines = data.split(b"\n")
        at = self.rng.randrange(len(lines))
        marks = [mark for mark in (b",", b"\t", b" ", b":", b"<", b"/") if mark in lines[at]]
        if not marks:
            lines[at] = self._word()
            return b"\n".join(lines)
        mark = self.rng.choice(marks)
        cells = lines[at].split(mark)
        cell = self.rng.randrange(len(cells))
        quoted = b'"' + cells[cell].replace(b'"', b'""') + b'"'
        number = str(self.rng.choice(NUMBERS)).encode()
        new = self.rng.choice((self._word(), self._word(), quoted, number, b"", b'"' + cells[cell]))
        lines[at] = mark.join((*cells[:cell], new, *cells[cell + 1 :]))
        return b"\n".join(lines)

    def _put_in(self, data: bytes) -> bytes:
        at = self.rng.randint(0, len(data))
        return data[:at] + self._word() + data[at:]

    def _encoded(self, data: bytes) -> bytes:
        text = data.decode("utf-8", "replace")
        return text.encode(self.rng.choice(ENCODINGS), "replace")

    def _word(self) -> bytes:
        return self.word().encode("utf-8", "surrogatepass")

    def in_bytes(self, data: bytes, focus: tuple[int, int] | None = None) -> bytes:
        """Bytes flipped, set, cut off, zeroed, moved, put in; inside of `focus` where it is given."""
        changed = bytearray(data)
        for _ in range(self.some(5)):
            if not changed:
                return self._word()
            first, last = focus or (0, len(changed))
            first = max(0, first)
            last = max(1, min(last, len(changed)))
            at = self.rng.randrange(min(first, last - 1), last)
            length = self.rng.choice((1, 2, 4, 8, 16, 64, 512))
            what = self.rng.randrange(10)
            if what < 3:
                changed[at] ^= 1 << self.rng.randrange(8)
            elif what < 5:
                changed[at] = self.rng.choice((0, 1, 0x7F, 0x80, 0xFF, self.rng.randrange(256)))
            elif what == 5:
                size = self.rng.choice((2, 4, 8))
                number = self.rng.choice((0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1))
                order = self.rng.choice(("little", "big"))
                changed[at : at + size] = (number % 256**size).to_bytes(size, order)
            elif what == 6:
                changed[at : at + length] = bytes(min(length, len(changed) - at))
            elif what == 7:
                del changed[at : at + length]
            elif what == 8:
                source = self.rng.randrange(len(changed))
                changed[at:at] = changed[source : source + length]
            elif self.rng.random() < 0.5:
                del changed[at:]
            else:
                changed[at:at] = self.rng.randbytes(length)
        return bytes(changed)

    def _maybe(self, data: bytes, change: Callable[[bytes], bytes], how_often: float) -> bytes:
        return change(data) if self.rng.random() < how_often else data
