"""Workers of Ray: started, given chunks, replaced where they die."""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vlbench.core.errors import Unsupported, WorkersLost
from vlbench.core.signals import noting_stops
from vlbench.engine.chunk import Encoded
from vlbench.engine.executors.cluster import fetched, ray_at
from vlbench.engine.executors.hand import Hand, line_of
from vlbench.engine.executors.order import Failure, Order
from vlbench.engine.executors.place import About, about, refuse_other_versions
from vlbench.engine.executors.worker import Worker
from vlbench.engine.settings import RunSettings

IN_FLIGHT = 2
"""Chunks that a worker has: one that it computes, and one that it reads meanwhile."""
TRIES = 3
"""How often a chunk is given to a worker again, and how often one is started again."""
START_SECONDS = 300.0
"""How long to wait for the first worker: a cluster may have to start a node for it."""
STOP_SECONDS = 2.5
"""How long what is in flight may take after a signal to stop; closing takes two seconds more."""
_RATES = 4
"""Workers whose rates are shown one by one."""


@dataclass(slots=True)
class Pool:
    """Workers on the devices of some settings, started at the first order; close it.

    `tell` is given a line on each that dies. `worker` is the class of the actors.
    """

    settings: RunSettings
    tell: Callable[[str], None] = lambda _: None
    worker: Callable[..., object] = Worker
    hands: list[Hand] = field(default_factory=list)
    _ray: Any = None
    _owned: bool = False
    _own: About | None = None
    _alone: float = 0.0
    _last: str = ""
    _mixed: set[str] = field(default_factory=set)

    @property
    def device_names(self) -> list[str]:
        """The names of the devices of all workers that have started, each once."""
        return sorted({hand.about.device for hand in self.hands if hand.about is not None})

    @property
    def rates(self) -> str:
        """Images a second of each worker, of many the lowest and the highest."""
        rates = [hand.rate for hand in self.hands if hand.images]
        shown = rates if len(rates) <= _RATES else (min(rates), max(rates))
        return f"{' '.join(f'{each:.0f}' for each in shown)} img/s a worker"

    def put(self, value: object) -> list[Any]:
        """A reference by which workers find a value, in a list, where Ray leaves it as it is."""
        self._start()
        return [self._ray.put(value)]

    def fit(self, loading: tuple[str, Any]) -> int:
        """The images a batch that one device of each kind has memory for.

        Raises:
            WorkersLost: no worker starts.
            VlbenchError: the model does not load.
        """
        self._start()
        while not self.ready:
            self.wait()
        kinds = {hand.about.kind: hand for hand in self.hands if hand.about is not None}
        sizes = []
        for found in self._ray.get([hand.actor.fit.remote(loading) for hand in kinds.values()]):
            if isinstance(found, Failure):
                raise found.error
            sizes.append(found)
        return int(min(sizes))

    def run(self, orders: Iterable[Order]) -> Generator[tuple[Order, Encoded | Failure]]:
        """What workers make of orders, as it lands; a dead worker's orders are given to another.

        Raises:
            KeyboardInterrupt: a signal came; what landed in time was handed out.
            WorkersLost: no worker is left.
        """
        self._start()
        for hand in self.hands:  # what an earlier run left there is of no use
            hand.flying.clear()
        coming, again = iter(orders), deque[Order]()
        more, over = True, math.inf
        with noting_stops() as stops:
            while True:
                if stops and over == math.inf:
                    over = time.monotonic() + STOP_SECONDS
                if not stops:
                    more = self._give(coming, again)
                if not any(hand.flying for hand in self.hands) and (stops or not more):
                    break
                if time.monotonic() > over:
                    break
                for hand, reference in self.wait():
                    yield from self._landed(hand, reference, again)
            if stops:
                raise KeyboardInterrupt(stops[0])

    def close(self) -> None:
        """End all workers, and the Ray that was started for them."""
        if self._ray is None:
            return
        for hand in self.hands:
            self._ray.kill(hand.actor)
        self.hands.clear()
        if self._owned:
            self._ray.shutdown()
        self._ray = None

    def _start(self) -> None:
        """Start Ray or find it, and a worker on each device.

        Raises:
            Unsupported: there is no Ray at the address, or the cluster has no such device.
        """
        if self._ray is not None:
            return
        address, devices = self.settings.ray_address, self.settings.devices
        self._own = about(self.settings.device)
        self._ray, self._owned = ray_at(address, len(devices))
        if devices == ("all",):
            devices = ("cuda",) * int(self._ray.cluster_resources().get("GPU", 0))
            if not devices:
                raise Unsupported(f"the Ray cluster at {address} has no GPU; pass --device cpu:N")
        self.hands = [Hand(device) for device in devices]
        for hand in self.hands:
            self._start_hand(hand)

    def _start_hand(self, hand: Hand) -> None:
        import torch

        threads, on_cpu = torch.get_num_threads(), hand.device == "cpu"
        asked: dict[str, float] = {"num_cpus": 1}
        if self.settings.ray_address is not None:  # elsewhere Ray counts what it has, and chooses the card
            asked = {"num_cpus": threads if on_cpu else 1, "num_gpus": 0 if on_cpu else 1}
        device = hand.device if on_cpu or self.settings.ray_address is None else "cuda"
        actor = self._ray.remote(max_restarts=0, max_concurrency=IN_FLIGHT + 1, **asked)(self.worker)
        hand.actor = actor.remote(fetched, device, threads)
        hand.starting, hand.about = hand.actor.about.remote(), None
        hand.starts += 1

    @property
    def ready(self) -> list[Hand]:
        """Workers that have started."""
        return [hand for hand in self.hands if hand.about is not None]

    def _give(self, coming: Iterator[Order], again: deque[Order]) -> bool:
        """Give orders to workers that have too few; whether there may be more.

        One that a worker died over is given alone, so that no other is blamed for it.
        """
        ended = False
        for full in range(1, IN_FLIGHT + 1):
            for hand in self.ready:
                if len(hand.flying) >= full or any(order.tries for order in hand.flying.values()):
                    continue
                order = again.popleft() if again and not hand.flying else next(coming, None)
                if order is None:
                    ended = True
                    continue
                hand.since = hand.since or time.monotonic()
                work = order.work.packed()  # Ray's own pickler would ask of each image how to write it
                hand.flying[hand.actor.encode.remote(work, order.loading, order.passing)] = order
        return bool(again) or not ended

    def wait(self) -> list[tuple[Hand, Any]]:
        """Wait a moment; references that have landed, with their workers. Those that start are taken in."""
        flying = {reference: hand for hand in self.hands for reference in hand.flying}
        starting = {hand.starting: hand for hand in self.hands if hand.starting is not None}
        if self.ready:
            self._alone = 0.0
        elif not starting:
            raise WorkersLost(f"no worker is left{self._last}; see what ended them, and run it again")
        else:
            self._alone = self._alone or time.monotonic()
            if time.monotonic() - self._alone > START_SECONDS:
                waited = f"no worker has started in {START_SECONDS:.0f} s"
                raise WorkersLost(f"{waited}; see whether the cluster has room for one")
        everything = [*flying, *starting]
        done, _ = self._ray.wait(everything, num_returns=len(everything), timeout=0)
        if not done:
            done, _ = self._ray.wait(everything, num_returns=1, timeout=0.2)
        for reference in done:
            if reference in starting:
                self._take_in(starting[reference])
        return [(flying[reference], reference) for reference in done if reference in flying]

    def _take_in(self, hand: Hand) -> None:
        """A worker has started, or could not."""
        reference, hand.starting = hand.starting, None
        try:
            found: About = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if hand.starts <= TRIES:
                self._start_hand(hand)
                return
            self.hands.remove(hand)
            self._last = f"; the last did not start ({line_of(error)})"
            return
        assert self._own is not None
        refuse_other_versions(found, self._own)
        hand.about = found
        self._say_mixed()

    def _say_mixed(self) -> None:
        """Say that workers are of several kinds; refuse them where they would not agree.

        Raises:
            Unsupported: they would not, at a precision that rounds more than fp32.
        """
        places = [hand.about for hand in self.hands if hand.about is not None]
        on_cpu = self._own is not None and places[0].device == self._own.device == "cpu"
        kinds = {each.kind for each in (*places, *([self._own] if on_cpu and self._own else []))}
        if len(kinds) == 1 or kinds <= self._mixed:
            return
        named = " and ".join(sorted(kinds))
        if self.settings.precision != "fp32":
            raise Unsupported(f"workers on {named} round {self.settings.precision} apart; take fp32")
        self.tell(f"note: workers on {named} agree in fp32 but for rounding, not to the bit")
        self._mixed |= kinds

    def _landed(
        self, hand: Hand, reference: Any, again: deque[Order]
    ) -> Iterator[tuple[Order, Encoded | Failure]]:
        order = hand.flying.pop(reference, None)
        if order is None:  # its worker died, and it was given to another
            return
        exceptions = self._ray.exceptions
        try:
            made = self._ray.get(reference)
        except exceptions.RayTaskError as error:
            if not isinstance(error.cause, exceptions.RayError):
                raise error.cause from error
            yield from self._give_again([order], again, error)
        except exceptions.ObjectLostError as error:
            yield from self._give_again([order], again, error)
        except exceptions.RayError as error:
            where = "" if hand.about is None else f" on {hand.about.host}"
            self.tell(f"a worker{where} died, and its chunks are given to another ({line_of(error)})")
            lost = [order, *hand.flying.values()]
            hand.flying.clear()
            self._ray.kill(hand.actor)
            self._start_hand(hand)
            yield from self._give_again(lost, again, error)
        else:
            hand.starts = 0
            hand.images += len(order.work.chunk.examples)
            yield order, made

    def _give_again(
        self, orders: list[Order], again: deque[Order], error: Exception
    ) -> Iterator[tuple[Order, Failure]]:
        for order in orders:
            order.tries += 1
            if order.tries <= TRIES:
                again.append(order)
                continue
            chunk = order.work.chunk
            images = f"images {chunk.start + 1} to {chunk.start + len(chunk.examples)} of {chunk.data}"
            line = f"{order.tries} workers died over {images} ({line_of(error)}); see what ended them"
            yield order, Failure("WorkersLost", line)
