"""Tiny dual encoders of the transformers package, written as save_pretrained writes published ones."""

from pathlib import Path
from typing import Any

SIZE = 32
CONTEXT = 24
_SENTENCE = (
    "a photo of the red blue green yellow small large grey circle square triangle star ring dog cat bird "
    "house two seven to left above and in one sentence that is longer than others are . ,"
)
_WORDS = _SENTENCE.split()
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LAYERS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
_PATCHES = {"image_size": SIZE, "patch_size": 8}
FAMILIES = ("align", "chinese_clip", "clip", "metaclip_2", "siglip")


def write_tiny(folder: Path, family: str) -> Path:
    """A random model of a family with its image processor and a word tokenizer."""
    import torch
    from transformers.utils import logging

    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    torch.manual_seed(0)
    model = tiny_model(family).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in ("logit_scale", "logit_bias", "temperature"):
                parameter.fill_(0.75 if name == "temperature" else 1.5)
    model.save_pretrained(folder)
    tiny_processor(family).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_tokenizer() -> Any:
    """Whole words, a [CLS] in front and a [SEP] behind, whose number is the largest."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    words = [*_SPECIAL[:3], *_WORDS, _SPECIAL[3]]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    ends = [(word, numbers[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), _SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def tiny_processor(family: str) -> Any:
    """The image processor of a family: cut from the middle, squashed, or ALIGN's own."""
    import transformers

    square = {"height": SIZE, "width": SIZE}
    if family == "siglip":
        return transformers.SiglipImageProcessor(size=square)
    if family == "align":  # as kakaobrain/align-base states it, smaller
        return transformers.EfficientNetImageProcessor(
            size={"height": 40, "width": 40},
            crop_size=square,
            do_center_crop=True,
            do_normalize=False,
            rescale_factor=1 / 127.5,
            rescale_offset=True,
            include_top=False,
            resample=2,
        )
    kind = (
        transformers.ChineseCLIPImageProcessor
        if family == "chinese_clip"
        else transformers.CLIPImageProcessor
    )
    return kind(size={"shortest_edge": SIZE}, crop_size=square)


def tiny_model(family: str) -> Any:
    """The network of a family, random."""
    import transformers

    count = len(_WORDS) + len(_SPECIAL)
    words = {**LAYERS, "vocab_size": count, "max_position_embeddings": CONTEXT, "pad_token_id": 0}
    ends = {"bos_token_id": 2, "eos_token_id": count - 1}
    if family == "siglip":
        return transformers.SiglipModel(
            transformers.SiglipConfig(
                text_config={**words, **ends, "projection_size": 32}, vision_config={**LAYERS, **_PATCHES}
            )
        )
    if family == "align":
        efficient = {"image_size": SIZE, "hidden_dim": 16, "depthwise_padding": []}
        efficient |= {
            "in_channels": [32, 16],
            "out_channels": [16, 16],
            "kernel_sizes": [3, 3],
            "strides": [2, 2],
        }
        efficient |= {"num_block_repeats": [1, 1], "expand_ratios": [1, 2], "width_coefficient": 1.0}
        efficient |= {"depth_coefficient": 1.0}
        return transformers.AlignModel(
            transformers.AlignConfig(
                text_config={**words, "max_position_embeddings": 80},
                vision_config=efficient,
                projection_dim=16,
            )
        )
    config, model = {
        "clip": (transformers.CLIPConfig, transformers.CLIPModel),
        "metaclip_2": (transformers.MetaClip2Config, transformers.MetaClip2Model),
        "chinese_clip": (transformers.ChineseCLIPConfig, transformers.ChineseCLIPModel),
    }[family]
    if family == "chinese_clip":
        words = {**words, "max_position_embeddings": 60}
    return model(
        config(text_config={**words, **ends}, vision_config={**LAYERS, **_PATCHES}, projection_dim=16)
    )
