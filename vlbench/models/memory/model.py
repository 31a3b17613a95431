"""A dual encoder around a model object: its own preprocessing, tokenizer, device and type of numbers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlbench.core.contracts import ModelInfo, Placement, ScoreUnit, Text
from vlbench.core.errors import Unsupported
from vlbench.models.memory.held import HeldModel
from vlbench.models.memory.trial import NOISE, tried_pixels, try_rows, try_sentences
from vlbench.models.shared.causal_text import is_causal, text_module
from vlbench.models.shared.dual_encoder import DualEncoder, normalised, unit_in_blocks
from vlbench.models.shared.precision import check_placement, inference
from vlbench.models.shared.preprocess import Transform
from vlbench.models.shared.sentence_tokens import token_counts
from vlbench.models.shared.text_tower import PromptEncoder, SentenceTower, TextTower
from vlbench.models.shared.weights import scale_of
from vlbench.models.transformers.files import FAMILIES, Family
from vlbench.models.transformers.images import image_rule
from vlbench.models.transformers.texts import PaddedTokens, PaddedTower, told_of_length

Normalisation = Callable[[Tensor], Tensor]

_OTHER_PIXELS = 0.05
"""By so much normalised pixels may differ on average: kernels of a resize round otherwise."""


@dataclass(frozen=True, slots=True)
class _PlainTower:
    """Unit features of sentences by an object's `encode_text`; a SentenceTower."""

    encode: Callable[[Any], Any]
    tokenizer: Any
    placement: Placement

    def features(self, sentences: Sequence[str], *, batch_size: int) -> Tensor:
        """Unit features [p, d] of sentences, in batches of equal size: the last one is padded."""
        found = []
        with inference(self.placement), _usable_in_training():
            for start in range(0, len(sentences), batch_size):
                part = list(sentences[start : start + batch_size])
                asked = part + part[:1] * (batch_size - len(part))
                given = asked if self.tokenizer is None else _moved(self.tokenizer(asked), self.placement)
                features = _features(self.encode(given), "encode_text", len(asked))
                found.append(features[: len(part)].float())
        with inference(Placement(self.placement.device)):
            return unit_in_blocks(torch.cat(found))

    def counts(self, sentences: Sequence[str]) -> list[int]:
        """The numbers of tokens [p] of sentences before truncation, of a tokenizer of open_clip."""
        return token_counts(self.tokenizer, sentences)


@dataclass(frozen=True, slots=True)
class _UncountedPrompts(PromptEncoder):
    """Prompts for a tower whose tokenizer does not tell which sentences it cuts."""

    def cut(self, texts: Sequence[Text]) -> list[str]:  # noqa: ARG002
        """No cut sentences: the tokenizer does not tell which it cuts."""
        return []


def dual_encoder(held: HeldModel, placement: Placement) -> DualEncoder:
    """Wrap the object as a dual encoder. It encodes a few images and sentences to find its shapes.

    Raises:
        Unsupported: the device is missing, an output is not a tensor of features [b, d], or depends on more
            than its input.
        WeightsError: its logit_scale is the factor itself instead of its logarithm.
    """
    check_placement(placement)
    parameters = [each for module in held.modules() for each in module.parameters()]
    kind = next((each.dtype for each in parameters if each.is_floating_point()), torch.float32)
    encode = partial(_image_features, held)
    preprocess, normalisation = _preprocess(held, kind)
    pixels = tried_pixels(preprocess, held.name)
    tower = _text_tower(held, placement)
    with inference(placement):
        width = try_rows(
            lambda some: encode(normalisation(torch.stack([*some]).to(placement.device))),
            pixels,
            f"{held.name}: encode_image",
        )
    texts = try_sentences(lambda some: tower.features(some, batch_size=2), f"{held.name}: encode_text")
    if texts != width:
        raise Unsupported(
            f"{held.name}: images have {width} features and texts {texts}; both towers have to end in one "
            "space"
        )
    prompts = PromptEncoder if held.counts_tokens else _UncountedPrompts
    longer = told_of_length(tower.tokenizer) if isinstance(tower, PaddedTower) else ""
    uncounted = "" if held.counts_tokens else "nothing tells which texts are cut"
    own = "" if kind == torch.float32 else f"computed in {kind}, its own"
    scale, bias, told = _scale_and_bias(held)
    info = ModelInfo(
        name=held.name,
        unit=ScoreUnit("cosine", scale, bias),
        image_size=(int(pixels[0].shape[-2]), int(pixels[0].shape[-1])),
        parameters=sum(each.numel() for each in parameters),
        feature_shape=(width,),
        changes=tuple(filter(None, (told, own, longer, uncounted))),
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
        if tokenizer is not None and _is_as_built(model):
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
    rows = int(model.config.text_config.vocab_size)
    if hasattr(tokenizer, "__len__") and len(tokenizer) > rows:
        raise Unsupported(
            f"{held.name}: its tokenizer has {len(tokenizer)} tokens, its table of embeddings {rows}; call "
            "the model's resize_token_embeddings, or take its own tokenizer"
        )
    return PaddedTower(model, PaddedTokens(tokenizer, family.inputs, context, family.lower), placement)


def _is_as_built(model: Any) -> bool:
    """Whether a model is open_clip's, and nothing that trees of tokens pass by was hooked or replaced in its
    text tower."""
    if not type(model).__module__.startswith("open_clip."):
        return False
    if not is_causal(model):
        return True
    tower: Any = text_module(model)
    blocks = tower.transformer.resblocks
    parts = (model, tower, tower.transformer, tower.token_embedding, *blocks, *(each.attn for each in blocks))
    return all(
        type(each).__module__.startswith(("open_clip.", "torch.nn.modules."))
        and not vars(each).keys() & {"forward", "encode_text"}
        and not (each._forward_hooks or each._forward_pre_hooks)
        for each in parts
    )


def _preprocess(held: HeldModel, kind: torch.dtype) -> tuple[Transform, Normalisation]:
    """A function from an image to pixels, and one from a batch of pixels to the image tower's input."""
    processor: Any = getattr(held.preprocess, "image_processor", held.preprocess)
    if not type(processor).__module__.startswith("transformers."):
        return held.preprocess, partial(_cast, kind=kind)
    rule = image_rule(processor, name=held.name)
    transform, normalisation = rule.transform("exact"), partial(normalised, mean=rule.mean, std=rule.std)
    own = processor(images=NOISE[0], return_tensors="pt")["pixel_values"][0]
    read = normalisation(transform(NOISE[0])[None])[0]
    if own.shape != read.shape or (own - read).abs().mean() > _OTHER_PIXELS:
        raise Unsupported(
            f"{held.name}: its image processor makes other pixels than its settings tell; pass a function of "
            "an image: lambda image: processor(image, return_tensors='pt')['pixel_values'][0]"
        )
    return transform, lambda pixels: normalisation(pixels).to(kind)


def _image_features(held: HeldModel, pixels: Tensor) -> Tensor:
    with _usable_in_training():
        pixels = pixels.clone()  # what was made in inference mode cannot be changed in place outside it
        if held.is_of_transformers:
            found = held.model.get_image_features(pixel_values=pixels)
            return _features(found, "get_image_features", len(pixels))
        return _features(held.model.encode_image(pixels), "encode_image", len(pixels))


def _features(found: Any, method: str, count: int) -> Tensor:
    """Features [b, d] of so many inputs from a method's output: a tensor, or an output of transformers with a
    pooled tensor."""
    found = getattr(found, "pooler_output", found)
    kind = type(found).__name__
    if isinstance(found, Tensor):
        if found.dim() == 2 and len(found) == count and _is_plain(found):
            return found.clone()  # a model may answer one tensor again and again
        kind = (
            f"a tensor {[*found.shape]} of {found.dtype} ({found.layout}, {found.device}) for {count} inputs"
        )
    raise Unsupported(f"{method} answers {kind}; it has to answer a tensor of features [b, d]")


def _is_plain(found: Tensor) -> bool:
    return found.layout == torch.strided and not found.is_meta and not found.is_complex()


@contextmanager
def _usable_in_training() -> Iterator[None]:
    """Run without gradients, but not in inference mode: what a model keeps of it could not be trained on."""
    with torch.inference_mode(mode=False), torch.no_grad():
        yield


def _scale_and_bias(held: HeldModel) -> tuple[float, float, str]:
    """The logit scale, the logit bias, and a remark about them."""
    model = held.model
    stated, bias = (getattr(model, name, None) for name in ("logit_scale", "logit_bias"))
    shift = 0.0 if bias is None else float(torch.as_tensor(bias).detach())
    if held.logit_scale is not None:
        return float(held.logit_scale), shift, ""
    if stated is not None:  # both libraries keep its logarithm
        if not isinstance(stated, float | int) and not (isinstance(stated, Tensor) and stated.numel() == 1):
            raise Unsupported(
                f"{held.name}: its logit_scale is a {type(stated).__name__} and no number; pass "
                "logit_scale=, the factor of cosines"
            )
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
