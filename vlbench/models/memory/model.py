"""A dual encoder around a model object: its own preprocessing, tokenizer, device and type of numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from vlbench.core.contracts import ModelInfo, Placement, ScoreUnit, Text
from vlbench.core.errors import Unsupported
from vlbench.models.memory.held import HeldModel
from vlbench.models.shared.dual_encoder import DualEncoder, normalised, unit_in_blocks
from vlbench.models.shared.precision import check_placement, inference
from vlbench.models.shared.preprocess import Transform
from vlbench.models.shared.text_tower import PromptEncoder, SentenceTower, TextTower
from vlbench.models.shared.weights import scale_of
from vlbench.models.transformers.files import FAMILIES, Family
from vlbench.models.transformers.images import image_rule
from vlbench.models.transformers.texts import PaddedTokens, PaddedTower

Normalisation = Callable[[Tensor], Tensor]

_SEEN = Image.new("RGB", (64, 48))
"""What is preprocessed and encoded to learn the shapes of pixels and features."""


@dataclass(frozen=True, slots=True)
class _PlainTower:
    """Unit features of sentences by an object's `encode_text`; a SentenceTower that counts no tokens."""

    encode: Callable[[Any], Any]
    tokenizer: Any
    placement: Placement

    def features(self, sentences: Sequence[str], *, batch_size: int) -> Tensor:
        """Unit features [p, d] of sentences, in batches of equal size: the last one is padded."""
        found = []
        with inference(self.placement):
            for start in range(0, len(sentences), batch_size):
                part = list(sentences[start : start + batch_size])
                asked = part + part[:1] * (batch_size - len(part))
                given = asked if self.tokenizer is None else _moved(self.tokenizer(asked), self.placement)
                features = _features(self.encode(given), "encode_text", len(asked))
                found.append(features[: len(part)].float())
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(torch.cat(found))

    def counts(self, sentences: Sequence[str]) -> list[int]:
        """Zeros: the tokenizer does not tell the counts."""
        return [0] * len(sentences)


@dataclass(frozen=True, slots=True)
class _UncountedPrompts(PromptEncoder):
    """Prompts for a tower whose tokenizer does not tell which sentences it cuts."""

    def cut(self, texts: Sequence[Text]) -> list[str]:  # noqa: ARG002
        """No cut sentences: the tokenizer does not tell which it cuts."""
        return []


def dual_encoder(held: HeldModel, placement: Placement) -> DualEncoder:
    """Wrap the object as a dual encoder. It encodes one image and one sentence to find its shapes.

    Raises:
        Unsupported: the device is missing, or an output is not a tensor of features [b, d].
        WeightsError: its logit_scale is the factor itself instead of its logarithm.
    """
    check_placement(placement)
    parameters = [each for module in held.modules() for each in module.parameters()]
    kind = next((each.dtype for each in parameters if each.is_floating_point()), torch.float32)
    encode = partial(_image_features, held)
    preprocess, normalisation = _preprocess(held, kind)
    pixels = preprocess(_SEEN)
    if not isinstance(pixels, Tensor) or pixels.dim() != 3:
        raise Unsupported(f"{held.name}: preprocess has to answer a tensor [3, h, w] for an image")
    tower = _text_tower(held, placement)
    with inference(placement):
        width = encode(normalisation(pixels[None].to(placement.device))).shape[-1]
    prompts = PromptEncoder if held.counts_tokens else _UncountedPrompts
    texts = tower.features(["a photo"], batch_size=1)
    if texts.shape[-1] != width:
        raise Unsupported(
            f"{held.name}: images have {width} features and texts {texts.shape[-1]}; both towers have "
            "to end in one space"
        )
    scale, bias, told = _scale_and_bias(held)
    info = ModelInfo(
        name=held.name,
        unit=ScoreUnit("cosine", scale, bias),
        image_size=(int(pixels.shape[-2]), int(pixels.shape[-1])),
        parameters=sum(each.numel() for each in parameters),
        feature_shape=(int(width),),
        changes=tuple(filter(None, [told, "" if kind == torch.float32 else f"computed in {kind}, its own"])),
    )
    return DualEncoder(
        info=info,
        preprocess=preprocess,
        normalisation=normalisation,
        image_tower=encode,
        text_encoder=prompts(tower),
        placement=placement,
    )


def _text_tower(held: HeldModel, placement: Placement) -> SentenceTower:
    model, tokenizer = held.model, held.tokenizer
    if not held.is_of_transformers:
        if type(model).__module__.startswith("open_clip.") and tokenizer is not None:
            with inference(placement):
                tokens = tokenizer(["a photo"]).to(placement.device)
                width = _features(model.encode_text(tokens), "encode_text", 1).shape[-1]
            return TextTower(model, tokenizer, placement, int(width))
        return _PlainTower(model.encode_text, tokenizer, placement)
    tokenizer = tokenizer or getattr(held.preprocess, "tokenizer", None)
    if tokenizer is None:
        raise Unsupported(f"{held.name}: pass tokenizer=, or a processor that has one as preprocess=")
    family = FAMILIES.get(model.config.model_type, Family(("input_ids", "attention_mask")))
    context = family.context or int(model.config.text_config.max_position_embeddings)
    return PaddedTower(model, PaddedTokens(tokenizer, family.inputs, context, family.lower), placement)


def _preprocess(held: HeldModel, kind: torch.dtype) -> tuple[Transform, Normalisation]:
    """A function from an image to pixels, and one from a batch of pixels to the image tower's input."""
    processor = getattr(held.preprocess, "image_processor", held.preprocess)
    if not type(processor).__module__.startswith("transformers."):
        return held.preprocess, partial(_cast, kind=kind)
    rule = image_rule(processor, name=held.name)
    return rule.transform("exact"), lambda pixels: normalised(pixels, mean=rule.mean, std=rule.std).to(kind)


def _image_features(held: HeldModel, pixels: Tensor) -> Tensor:
    if held.is_of_transformers:
        found = held.model.get_image_features(pixel_values=pixels)
        return _features(found, "get_image_features", len(pixels))
    return _features(held.model.encode_image(pixels), "encode_image", len(pixels))


def _features(found: Any, method: str, count: int) -> Tensor:
    """Features [b, d] from a method's output: a tensor, or an output of transformers with a pooled tensor."""
    found = getattr(found, "pooler_output", found)
    if not isinstance(found, Tensor) or found.dim() != 2:
        kind = f"a tensor of {found.dim()} axes" if isinstance(found, Tensor) else type(found).__name__
        raise Unsupported(f"{method} answers {kind}; it has to answer a tensor of features [b, d]")
    if len(found) != count:
        raise Unsupported(
            f"{method} answers {len(found)} rows of features for {count} inputs; answer one each"
        )
    return found


def _scale_and_bias(held: HeldModel) -> tuple[float, float, str]:
    """The logit scale, the logit bias, and a remark about them."""
    model = held.model
    stated, bias = (getattr(model, name, None) for name in ("logit_scale", "logit_bias"))
    shift = 0.0 if bias is None else float(torch.as_tensor(bias).detach())
    if held.logit_scale is not None:
        return float(held.logit_scale), shift, ""
    if stated is not None:  # both libraries keep its logarithm
        return scale_of(Path(held.name), torch.as_tensor(stated)), shift, ""
    if isinstance(temperature := getattr(model, "temperature", None), Tensor):
        return float(1 / temperature.detach()), shift, ""
    return (
        1.0,
        shift,
        "it states no logit_scale, so that ece, brier and nll mean little",
    )


def _cast(pixels: Tensor, kind: torch.dtype) -> Tensor:
    return pixels.to(kind) if pixels.is_floating_point() else pixels


def _moved(tokens: Any, placement: Placement) -> Any:
    return tokens.to(placement.device) if hasattr(tokens, "to") else tokens
