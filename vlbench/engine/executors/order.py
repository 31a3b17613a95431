"""What travels between a driver and its workers, and how it comes back; imports neither Ray nor torch."""

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Checkpoint, Example
from vlbench.core.errors import (
    DataError,
    LacksMemory,
    NotFinite,
    PluginError,
    Unsupported,
    VlbenchError,
    WeightsError,
    WorkersLost,
)
from vlbench.core.machine import fault_line, hidden_fault
from vlbench.engine.chunk import NO_TRUTH, Chunk, Reduction

if TYPE_CHECKING:
    from vlbench.engine.settings import RunSettings

_KINDS: dict[str, type[VlbenchError]] = {
    each.__name__: each
    for each in (DataError, LacksMemory, NotFinite, PluginError, Unsupported, WeightsError, WorkersLost)
}


@dataclass(frozen=True, slots=True)
class Loading:
    """A model that workers load: its checkpoint, the digest of what it computes, how it runs."""

    checkpoint: Checkpoint
    identity: str
    settings: "RunSettings"


@dataclass(frozen=True, slots=True)
class Passing:
    """What is the same of all chunks of a pass: reductions, and the keys [k] of 16 bytes that are stored."""

    reductions: tuple[Reduction, ...]
    stored: NDArray[np.bytes_]


@dataclass(slots=True)
class Order:
    """A chunk to encode, of which `work` travels; `loading` and `passing` are under what names, and where.

    `place` is the pass's, `tries` counts the workers that died over it.
    """

    place: int
    work: "Work"
    loading: tuple[str, Any]
    passing: tuple[str, Any]
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """A chunk without its reductions, the places of images that are wanted, and how many make a batch.

    `wanted` is None where keys are not known.
    """

    chunk: Chunk
    batch_size: int
    wanted: frozenset[int] | None

    def packed(self) -> bytes:
        """The work, pickled; examples as tuples, which takes half as long."""
        examples = [(each.id, each.image, each.state, each.key, each.box) for each in self.chunk.examples]
        return pickle.dumps((replace(self.chunk, examples=()), examples, self.batch_size, self.wanted))

    @classmethod
    def of(cls, packed: bytes) -> "Work":
        """Work as it was packed by a driver."""
        chunk, examples, batch_size, wanted = pickle.loads(packed)  # noqa: S301 - of one's own driver
        made = (Example(id_, image, NO_TRUTH, *rest) for id_, image, *rest in examples)
        return cls(replace(chunk, examples=tuple(made)), batch_size, wanted)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that a user can mend, as a worker met it: a class and its line."""

    kind: str
    line: str

    @classmethod
    def of(cls, error: VlbenchError) -> "Failure":
        """The failure of an error: its class and its line; a fault of this machine is told with its host."""
        fault = hidden_fault(error)
        told = str(error) if fault is None else f"the worker on {os.uname().nodename}: {fault_line(fault)}"
        return cls(type(error).__name__, told)

    @property
    def error(self) -> VlbenchError:
        """The error, to be raised here."""
        return _KINDS.get(self.kind, VlbenchError)(self.line)


def stored_in(keys: Sequence[str]) -> NDArray[np.bytes_]:
    """Keys [k] as sorted bytes, which travel well.

    >>> is_stored("0a" * 16, stored_in(["0b" * 16, "0a" * 16])), is_stored("0c" * 16, stored_in([]))
    (True, False)
    """
    return np.sort(np.frombuffer(bytes.fromhex("".join(keys)), dtype="S16"))


def is_stored(key: str, stored: NDArray[np.bytes_]) -> bool:
    """Whether a key is among them."""
    sought = np.frombuffer(bytes.fromhex(key), dtype="S16")
    place = int(np.searchsorted(stored, sought)[0])
    return place < len(stored) and bool(stored[place] == sought[0])
