"""The state of a user's torch modules: its digest, and how it is restored."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from vlbench.core.errors import Unsupported


def digest_of_weights(modules: Iterable[nn.Module]) -> str:
    """SHA-256 of the names, types, shapes and bytes of all parameters and buffers; empty without any.

    Raises:
        Unsupported: one of them has no values yet.
    """
    state, count = hashlib.sha256(), 0
    for module in modules:
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if is_lazy(tensor) or tensor.is_meta:
                raise Unsupported(f"{name} of the model has no values; load its weights, or call it once")
            state.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}\n".encode())
            plain = tensor.detach()
            plain = plain if plain.layout == torch.strided else plain.to_dense()
            state.update(plain.contiguous().cpu().view(-1).view(torch.uint8).numpy().data)
            count += 1
    return state.hexdigest() if count else ""


def device_of(modules: Iterable[nn.Module], asked: str) -> str:
    """The device of the modules; without parameters, the device asked for.

    Raises:
        Unsupported: they are on several devices, or not on the device asked for.
    """
    found = {str(tensor.device) for module in modules for tensor in module.parameters()}
    if not found:
        return asked
    if len(found) > 1:
        raise Unsupported(f"the model lies on {' and '.join(sorted(found))}; move it to one device")
    (device,) = found
    if asked not in ("auto", device):
        raise Unsupported(f"the model lies on {device}, not on {asked}; move it, or leave device= out")
    return device


@contextmanager
def as_it_was(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode; restore their modes at the end."""
    roots = tuple(modules)
    modes = [(module, module.training) for root in roots for module in root.modules()]
    try:
        for root in roots:
            root.eval()
        yield
    finally:
        for module, training in modes:  # parents come first
            if module.training != training:
                module.train(training)  # which takes off again what some parts add in evaluation mode
        for module, training in modes:
            module.training = training
