"""A worker in a process of its own: one model on one device. This module imports neither Ray nor torch."""

import os
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial as bind
from typing import TYPE_CHECKING

import numpy as np

from vlbench.core.contracts import Placement
from vlbench.core.errors import DataError, LacksMemory, VlbenchError
from vlbench.engine.chunk import Encoded
from vlbench.engine.executors.order import Failure, Loading, Passing, Work, is_stored
from vlbench.engine.executors.place import About, about

if TYPE_CHECKING:
    from vlbench.engine.executors.local import LocalExecutor

Fetch = Callable[[object], object]
"""What is behind a reference that came with an order."""


class Worker:
    """Encodes chunks by a `LocalExecutor`; two calls at once take turns, so that one reads ahead.

    It keeps the model and the reductions of the last order, which are fetched once.
    """

    def __init__(self, fetch: Fetch, device: str, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # for what reads it later than torch
        import torch  # a driver may import this module without it

        torch.set_num_threads(threads)
        self._fetch, self._device = fetch, device
        self._turn = threading.Lock()
        self._executor: tuple[str, LocalExecutor | None] = ("", None)
        self._passing: dict[str, Passing] = {}

    def about(self) -> About:
        """Where this worker is, and what it runs."""
        return about(self._device)

    def fit(self, loading: tuple[str, object]) -> int | Failure:
        """The images a batch that the device has memory for, found with blank ones."""
        import torch
        from PIL import Image

        try:
            with self._turn, torch.inference_mode():
                executor = self._opened(loading)
                blank = executor.model.preprocess(Image.new("RGB", (64, 64)))
                pixels = blank.expand(executor.batch_size, *blank.shape)
                executor.halving(bind(executor.encode_pixels, pixels), "batch_size")
                return executor.batch_size
        except VlbenchError as error:
            return Failure.of(error)

    def encode(
        self, work: bytes, loading: tuple[str, object], passing: tuple[str, object]
    ) -> Encoded | Failure:
        """What is made of the images of a pickled `Work`; an error of a user is told as a value."""
        try:
            asked = Work.of(work)
            with self._turn:
                executor, shared = self._opened(loading), self._passed(passing)
                executor.batch_size = asked.batch_size
            return _whole(self._parts(executor, shared, asked))
        except VlbenchError as error:
            return _failure(error)

    def _parts(self, executor: "LocalExecutor", passing: Passing, work: Work) -> list[Encoded]:
        def stored(place: int, key: str) -> bool:
            return is_stored(key, passing.stored) if work.wanted is None else place not in work.wanted

        chunk = replace(work.chunk, reductions=passing.reductions)
        parts: list[Encoded] = []
        with closing(executor.encode_images([chunk], stored)) as made:
            while True:
                with self._turn:
                    part = next(made, None)
                if executor.batch_size != work.batch_size:
                    where = f"{self._device} of {os.uname().nodename}"
                    raise LacksMemory(
                        f"{where} has too little memory for {work.batch_size} items a batch; pass "
                        f"--batch-size {executor.batch_size}, for all workers"
                    )
                if part is None:
                    return parts
                parts.append(part)

    def _opened(self, loading: tuple[str, object]) -> "LocalExecutor":
        from vlbench.engine.executors.local import LocalExecutor

        name, where = loading
        if self._executor[0] != name or self._executor[1] is None:
            self._executor, self._passing = ("", None), {}  # its memory is free before the next one loads
            asked = self._fetch(where)
            assert isinstance(asked, Loading)
            if asked.checkpoint.identify().whole != asked.identity:
                raise DataError(
                    f"{asked.checkpoint.name}: the worker on {os.uname().nodename} has other weights or code "
                    "of it; give every node the same files"
                )
            settings = replace(asked.settings, device=self._device)
            placement = Placement(self._device, settings.precision)
            self._executor = name, LocalExecutor(lambda: asked.checkpoint.load(placement), settings)
        executor = self._executor[1]
        assert executor is not None
        return executor

    def _passed(self, passing: tuple[str, object]) -> Passing:
        name, where = passing
        if name not in self._passing:
            found = self._fetch(where)
            assert isinstance(found, Passing)
            self._passing[name] = found
        return self._passing[name]


def _failure(error: VlbenchError) -> Failure:
    """The failure of an error; an image that is not here is told with this host."""
    if not isinstance(error, DataError) or not isinstance(error.__cause__, FileNotFoundError):
        return Failure.of(error)
    where = f"the worker on {os.uname().nodename} does not see it"
    return Failure("DataError", f"{error}: {where}; mount its folder on every node")


def _whole(parts: list[Encoded]) -> Encoded:
    """What was made of a chunk in one: arrays behind one another, which travel at once."""
    made = [part for part in parts if part.keys]
    return Encoded(
        tuple(key for part in parts for key in part.read),
        tuple(place for part in made for place in part.places),
        tuple(key for part in made for key in part.keys),
        tuple(map(np.concatenate, zip(*(part.arrays for part in made), strict=True))),
        {key: remarks for part in made for key, remarks in part.remarks.items()},
        {place: DataError(_failure(error).line) for part in parts for place, error in part.broken.items()},
    )
