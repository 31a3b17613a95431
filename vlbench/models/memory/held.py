"""A model object with the preprocessing and the tokenizer that its user passes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any

from vlbench.core.errors import Unsupported

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor, nn

_OPEN_CLIP = ("encode_image", "encode_text")
_TRANSFORMERS = ("get_image_features", "get_text_features")


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A model of open_clip or transformers, or any object that has `encode_image` and `encode_text`.

    `preprocess` turns an image into pixels [3, h, w], or is a processor of transformers. `tokenizer` turns
    a list of sentences into the input of `encode_text`; with None it gets the sentences. `logit_scale`
    multiplies cosines; None uses the model's own.

    Raises:
        Unsupported: the object lacks these methods, `preprocess` is missing, or the scale is no factor.
    """

    name: str
    model: Any
    preprocess: "Callable[[Image], Tensor] | Any"
    tokenizer: Any = None
    logit_scale: float | None = None

    def __post_init__(self) -> None:
        if not (self.is_of_transformers or _has(self.model, _OPEN_CLIP)):
            raise Unsupported(
                f"{type(self.model).__name__} is no model that can be scored: it needs the methods "
                "encode_image and encode_text, or get_image_features and get_text_features; a model of "
                "vlbench is given by its name, and several objects in a call each"
            )
        if not isinstance(self.name, str) or not self.name.isprintable():
            raise Unsupported(f"the name {self.name!r} is no line of text; give another one")
        scale: Any = self.logit_scale
        if scale is not None and not (isinstance(scale, Real) and 0 < float(scale) < inf):
            raise Unsupported(
                f"{self.name}: logit_scale is {scale!r}; give the factor of cosines, a number above 0"
            )
        if not callable(self.preprocess):
            raise Unsupported(
                f"{self.name}: pass preprocess=, which turns an image into the pixels that the model takes "
                "(open_clip's transform, or the processor of transformers)"
            )
        if self.tokenizer is not None and not callable(self.tokenizer):
            raise Unsupported(f"{self.name}: tokenizer is {self.tokenizer!r}; give a function of sentences")

    @property
    def is_of_transformers(self) -> bool:
        """Whether it has the encoding methods of transformers' models."""
        return _has(self.model, _TRANSFORMERS)

    @property
    def counts_tokens(self) -> bool:
        """Whether its tokenizer tells how many tokens a sentence has before it is cut."""
        return self.is_of_transformers or type(self.tokenizer).__module__.startswith("open_clip.")

    def modules(self) -> "Iterator[nn.Module]":
        """The torch modules of the model: itself, or those among its attributes."""
        from torch import nn

        if isinstance(self.model, nn.Module):
            yield self.model
        else:
            parts = getattr(self.model, "__dict__", {}).values()
            yield from (each for each in parts if isinstance(each, nn.Module))


def _has(model: object, methods: tuple[str, ...]) -> bool:
    return not isinstance(model, type) and all(callable(getattr(model, method, None)) for method in methods)
