"""A batch on its device: as many items as its memory holds, and no value that is not finite."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from vlbench.core.contracts import Model, Text
from vlbench.core.errors import NotFinite, Unsupported
from vlbench.engine.settings import RunSettings

T = TypeVar("T")


@dataclass(slots=True)
class BatchSize:
    """A batch size: halved for good when the device runs out of memory, unless the user chose it."""

    items: int
    chosen: bool = False


def encode_texts(model: Model, texts: Sequence[Text], settings: RunSettings) -> Tensor:
    """Features [m, ...] of texts, on the model's device.

    Raises:
        NotFinite: the model answers NaN or infinity.
        Unsupported: the device has too little memory.
    """

    def encode(size: int) -> Tensor:
        return model.encode_texts(texts, batch_size=size)

    with torch.inference_mode():
        features = within_memory(encode, BatchSize(settings.first_text_batch_size), settings.device)
    return finite(features, "text features")


def within_memory(run: Callable[[int], T], size: BatchSize, device: str) -> T:
    """What `run` answers for a batch size that the device has memory for.

    Raises:
        Unsupported: it has too little for the size that the user chose, or for one item.
    """
    while True:
        try:
            return run(size.items)
        except torch.OutOfMemoryError as error:
            if size.chosen or size.items == 1:
                raise Unsupported(
                    f"{device} has too little memory for {size.items} items a batch; pass --batch-size auto "
                    "or a smaller number"
                ) from error
            size.items //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def finite(values: Tensor, what: str) -> Tensor:
    """The values themselves; NotFinite where they hold NaN or infinity."""
    if not bool(torch.isfinite(values).all()):
        raise NotFinite(
            f"the model's {what} hold NaN or infinity; check the weights, or use --precision fp32"
        )
    return values
