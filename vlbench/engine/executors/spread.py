"""The executor of many workers: passes become orders, and what lands is handed on as it was read."""

import pickle
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from vlbench.core.contracts import Checkpoint
from vlbench.core.errors import Unsupported
from vlbench.engine.chunk import Encoded
from vlbench.engine.executors.local import LocalExecutor
from vlbench.engine.executors.order import Failure, Loading, Order, Passing, Work, stored_in
from vlbench.engine.executors.pool import Pool
from vlbench.engine.image_pass import ImagePass
from vlbench.engine.settings import RunSettings


@dataclass(slots=True)
class SpreadExecutor:
    """Workers of a pool, each with the checkpoint's model; `local` is the driver's own executor.

    The batch size is fixed before the first chunk is cut, and `local` records it.
    """

    local: LocalExecutor
    checkpoint: Checkpoint
    pool: Pool
    _loading: tuple[str, Any] | None = None

    @property
    def settings(self) -> RunSettings:
        """Those of the run."""
        return self.local.settings

    @property
    def rates(self) -> str:
        """How fast each worker is."""
        return self.pool.rates

    def encode_passes(self, passes: Sequence[ImagePass]) -> Generator[tuple[ImagePass, Encoded]]:
        """Encode the images of all passes at once; one that fails keeps its error, and the others go on.

        Raises:
            Unsupported: the model cannot travel, or workers cannot run it.
            WorkersLost: no worker is left.
        """
        if not any(len(each.lacking()) for each in passes):
            return
        read = [_InTurn() for _ in passes]
        with closing(self.pool.run(self._orders(passes, read))) as landed:
            for order, made in landed:
                one, turn = passes[order.place], read[order.place]
                if isinstance(made, Failure):
                    one.done.error = one.done.error or made.error
                if isinstance(made, Failure) or one.done.error is not None:
                    continue
                yield one, replace(made, read=())
                turn.landed[order.work.chunk.start] = made.read
                for keys in turn.due():
                    yield one, Encoded(keys)

    def _orders(self, passes: Sequence[ImagePass], read: "Sequence[_InTurn]") -> Iterator[Order]:
        loading = self._sent()
        for place, one in enumerate(passes):
            stored: list[str] = []
            if one.keys is None:
                stored = list(set.intersection(*(set(each.space.keys) for each in one.sinks)))
            what = Passing(tuple(each.reduction for each in one.sinks), stored_in(stored))
            passing = uuid.uuid4().hex, self.pool.put(what)
            ordered: set[str] = set()
            for chunk in one.chunks():
                if one.done.error is not None:
                    break
                wanted = None
                if one.keys is not None:
                    images = list(enumerate(chunk.keys, start=chunk.start))
                    lacking = one.wanted(images)
                    fresh = {key: i for i, key in images if i in lacking and key not in ordered}
                    wanted = frozenset(fresh.values())
                    ordered.update(fresh)
                    if not wanted:
                        continue
                read[place].starts.append(chunk.start)
                work = Work(replace(chunk, reductions=()), self.local.batch_size, wanted)
                yield Order(place, work, loading, passing)

    def _sent(self) -> tuple[str, Any]:
        """Under what name workers load the model, and where they find what they need to; it is sent once."""
        if self._loading is None:
            settings = replace(self.settings, executor="local", devices=(), share=None)
            identity = self.checkpoint.identify().whole
            what = Loading(self.checkpoint, identity, settings)
            try:
                pickle.dumps(what)
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                raise Unsupported(
                    f"{self.checkpoint.name} cannot travel to workers ({error}); take --executor local"
                ) from error
            self._loading = f"{identity} {settings.precision}", self.pool.put(what)
            if self.settings.batch_size is None and self.settings.image_device != "cpu":
                self.local.batch_size = min(self.local.batch_size, self.pool.fit(self._loading))
        return self._loading


def executor_of(local: LocalExecutor, checkpoint: Checkpoint, pool: Pool) -> "LocalExecutor | SpreadExecutor":
    """What encodes images as the settings ask for: this process's executor, or workers of a pool."""
    return SpreadExecutor(local, checkpoint, pool) if local.settings.executor == "ray" else local


@dataclass(slots=True)
class _InTurn:
    """Keys that were read, chunk by chunk, in the order of the chunks, whichever lands first."""

    starts: list[int] = field(default_factory=list)
    landed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0

    def due(self) -> Iterator[tuple[str, ...]]:
        """Those of which all before have landed."""
        while self.count < len(self.starts) and self.starts[self.count] in self.landed:
            yield self.landed.pop(self.starts[self.count])
            self.count += 1
