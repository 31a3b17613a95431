"""A CUDA device for a machine without one: tensors that hold no numbers, and a count of the waits for it."""

import ctypes
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

NAME = "cuda:0"
"""With a number: without one some releases of torch ask the driver which device is meant."""

_CUDA, _META = 1, 14
"""Places of two kinds of devices in torch's table of guards."""

WHOLE = 5
"""What whole numbers are that come back."""

_ATEN = torch.ops.aten
_CHOSEN = (_ATEN._local_scalar_dense.default, _ATEN.equal.default, _ATEN.is_nonzero.default)
"""Ops that hand one number to Python."""
_SHAPED = (
    _ATEN.nonzero.default,
    _ATEN.masked_select.default,
    _ATEN._unique2.default,
    _ATEN.unique_dim.default,
    _ATEN.bincount.default,
    _ATEN.repeat_interleave.Tensor,
)
"""Ops the shape of whose answer hangs on numbers."""
_PICKING = (_ATEN.index.Tensor, _ATEN.index_put.default, _ATEN.index_put_.default)
"""Ops whose second argument are indices, the third, where there is one, values."""
_VALUES = 2


class Waits(AssertionError):
    """Something is asked of the device that it would have to be waited for, and that no count allows."""


class TwoDevices(AssertionError):
    """Tensors of two devices meet."""


class Device(FakeTensorMode):
    """What is made on or moved to `cuda` is a fake tensor there; all that stays on the CPU is computed.

    `counts` says how often the device was fed while it was waited for ("there"), fed from pinned memory
    without a wait ("sent"), read ("back"), and asked for one number ("number"). What comes back has shape and
    dtype: numbers between 0 and 1 that differ (0.5 alone), WHOLE where they are whole, True.
    """

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True)
        self.counts: Counter[str] = Counter()
        self._pinned: set[int] = set()

    def counted(self) -> dict[str, int]:
        """The counts since they were last asked for."""
        counts = dict(self.counts)
        self.counts.clear()
        return counts

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        leaves = list(_leaves((*args, *kwargs.values())))
        tensors = [each for each in leaves if isinstance(each, Tensor)]
        there = [each for each in tensors if isinstance(each, FakeTensor) and each.device.type == "cuda"]
        asked = any(isinstance(each, torch.device) and each.type == "cuda" for each in leaves)
        if not there and not asked:
            return self._on_cpu(func, args, kwargs)
        if func is _ATEN._has_compatible_shallow_copy_type.default:
            return False
        if func is _ATEN.scaled_dot_product_attention.default:  # its kernel is chosen by asking the driver
            with self:
                return _attention(*args, **kwargs)
        if func is _ATEN.convolution.default and all(
            each.dtype == torch.bfloat16 for each in tensors
        ):  # so is it
            with self:
                whole = (each.float() if isinstance(each, Tensor) else each for each in args)
                return func(*whole, **kwargs).to(torch.bfloat16)
        if not there and func.namespace == "aten":
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        moved = self._moved(func, args, kwargs, there)
        if moved is not None:
            return moved
        if func in _SHAPED or _is_masked(func, args):
            raise Waits(f"{func} has a shape that hangs on numbers; plan it on the CPU")
        here = [each for each in tensors if each.device.type == "cpu" and each.dim()]
        if there and here:
            raise TwoDevices(f"{func} meets {tuple(here[0].shape)} on the CPU beside {tuple(there[0].shape)}")
        return super().__torch_dispatch__(func, types, args, kwargs)

    def _on_cpu(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What does not touch the device is computed; memory is pinned by name alone."""
        pinned = kwargs.pop("pin_memory", None)
        found = func(*args, **kwargs)
        if pinned:
            self._pinned.add(found.untyped_storage().data_ptr())
        return found

    def _moved(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], there: list[Tensor]) -> Any:
        """What a copy between the devices or a number makes; None of any other op."""
        if func in _CHOSEN:
            self.counts["number"] += 1
            return True if func is not _CHOSEN[0] else _answer(args[0], args[0].dtype).flatten()[0].item()
        if func is _ATEN._to_copy.default and not there:
            free = kwargs.get("non_blocking") and args[0].untyped_storage().data_ptr() in self._pinned
            self.counts["sent" if free else "there"] += 1
            return super().__torch_dispatch__(func, (), (self.from_tensor(args[0]), *args[1:]), kwargs)
        if func is _ATEN._to_copy.default and torch.device(kwargs.get("device") or NAME).type == "cpu":
            self.counts["back"] += 1
            return _answer(args[0], kwargs.get("dtype") or args[0].dtype)
        if func is _ATEN.copy_.default and args[0].device != args[1].device:
            self.counts["there" if args[0] is there[0] else "back"] += 1
            return args[0]
        return None


@contextmanager
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    """The device, and what torch says of it, inside this context."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a device without numbers")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 0)
    monkeypatch.setattr(torch, "autocast", _autocast)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # a kernel of which fake tensors know nothing
    try:
        with _guard(), Device() as there:
            yield there
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _autocast(kind: str, dtype: torch.dtype) -> Iterator[None]:
    """torch.autocast, which turns itself off where there is no device."""
    enabled, before = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
    torch.set_autocast_enabled(kind, True)
    torch.set_autocast_dtype(kind, dtype)
    try:
        yield
    finally:
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, before)
        torch.clear_autocast_cache()


@contextmanager
def _guard() -> Iterator[None]:
    """Let torch change to the device where it has no driver: by the guard of `meta`, which does nothing.

    FakeTensorMode does so itself from 2.7 on, but not in builds without CUDA.
    """
    table = "_ZN3c104impl26device_guard_impl_registryE"
    guards = (ctypes.c_void_p * (_META + 1)).in_dll(ctypes.CDLL(torch._C.__file__), table)
    before = guards[_CUDA]
    if not torch.cuda.is_available():
        guards[_CUDA] = guards[_META]
    try:
        yield
    finally:
        guards[_CUDA] = before


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        else:
            yield value


def _is_masked(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether an op picks by a mask, whose count it has to know; one number of the CPU fills without."""
    if func not in _PICKING:
        return False
    masks = [each for each in args[1] if each is not None and each.dtype in (torch.bool, torch.uint8)]
    return bool(masks) and not (len(args) > _VALUES and args[_VALUES].device.type == "cpu")


def _answer(asked: Tensor, dtype: torch.dtype) -> Tensor:
    """Numbers on the CPU in the place of those that nobody computed."""
    if dtype.is_floating_point:
        numbers = torch.arange(1, asked.numel() + 1, dtype=torch.float64) / (asked.numel() + 1)
        return numbers.to(dtype).reshape(asked.shape)
    return torch.full(tuple(asked.shape), WHOLE).to(dtype)


def _attention(*args: Any, enable_gqa: bool = False, **kwargs: Any) -> Tensor:
    assert not enable_gqa
    found: Tensor = _ATEN._scaled_dot_product_attention_math(*args, **kwargs)[0]
    return found
